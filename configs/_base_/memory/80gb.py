# For GPUs with 80 GB: mixed precision in bfloat16, which needs no scaling of the loss, and no activation is computed
# twice. Add the file to `_base_`, or `--cfg-options memory=80gb`; docs/performance.md.
memory = dict(amp='bfloat16', checkpointing=False)
