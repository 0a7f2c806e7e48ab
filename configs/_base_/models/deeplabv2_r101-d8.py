# DeepLabv2 on ResNet-101 at stride 8, with the main classifier alone: the network of DACS.
_base_ = './deeplabv2-multi_r101-d8.py'
model = dict(type='EncoderDecoder', auxiliary_head=None)
