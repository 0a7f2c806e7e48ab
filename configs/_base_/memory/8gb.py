# For GPUs with 8 GB: mixed precision, activations of the backbone are computed again, and a step has one image of each
# branch; an update has the same images as without. Add the file to `_base_`, or `--cfg-options memory=8gb`;
# docs/performance.md.
memory = dict(amp='float16', checkpointing=True, accumulate=True)
