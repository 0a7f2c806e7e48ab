# For GPUs with 24 GB: mixed precision. Add the file to `_base_`, or `--cfg-options memory=24gb`; docs/performance.md.
memory = dict(amp='float16')
