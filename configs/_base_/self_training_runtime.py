# Settings of all self-training runs; `self_training` defines the stages.
default_scope = 'mmseg'
custom_imports = dict(imports=['udas_mmseg'], allow_failed_imports=False)
runner_type = 'SelfTrainingRunner'
randomness = dict(seed=0)
