# Target images pass through the network and its batch norm in training, but no loss is computed on them.
method = dict(type='AdversarialSegmentor', discriminators=None)
method_optim_wrapper = dict(constructor='PerChildOptimWrapperConstructor')
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel', broadcast_buffers=False)
