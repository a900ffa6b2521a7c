"""Files of a ThreeFs mount for Python programs that read and write many pieces at once.

    threefs.rings        batches of reads and writes over rings; needs nothing but the library
    threefs.fs           an fsspec file system ("threefs://") whose cat_ranges is one batch; needs fsspec
    threefs.data         a PyTorch dataset of fixed-size records; needs torch
    threefs.checkpoint   reader and writer for torch.distributed.checkpoint; needs torch
"""
