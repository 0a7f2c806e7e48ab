# What every run of self-training shares; `self_training` says what its stages are.
default_scope = 'mmseg'
custom_imports = dict(imports=['udas_mmseg'], allow_failed_imports=False)
runner_type = 'SelfTrainingRunner'
randomness = dict(seed=0)
