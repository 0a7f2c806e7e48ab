# For GPUs with 11 GB: mixed precision, and activations of the backbone are computed again. Add the file to `_base_`, or
# `--cfg-options memory=11gb`; docs/performance.md.
memory = dict(amp='float16', checkpointing=True)
