# The generated street scenes at 160x80 with eight classes in place of 19, for short runs: coarse classes can be seen
# at this size, and learned in a few hundred iterations. They are the categories of Cityscapes, with road and sidewalk
# apart. All that this takes is a map of label ids, and the names of the classes; the files stay as they are.
_base_ = './demo_160x80.py'
metainfo = dict(
    classes=('road', 'sidewalk', 'construction', 'object', 'nature', 'sky', 'human', 'vehicle'),
    palette=[[128, 64, 128], [244, 35, 232], [70, 70, 70], [220, 220, 0], [107, 142, 35], [70, 130, 180], [220, 20, 60],
             [0, 0, 142]])
# ids of Cityscapes and GTA5 -> classes; ids that are not in the map are ignored
label_map = {
    7: 0,  # road
    8: 1,  # sidewalk
    11: 2, 12: 2, 13: 2,  # building, wall, fence
    17: 3, 19: 3, 20: 3,  # pole, traffic light, traffic sign
    21: 4, 22: 4,  # vegetation, terrain
    23: 5,  # sky
    24: 6, 25: 6,  # person, rider
    26: 7, 27: 7, 28: 7, 31: 7, 32: 7, 33: 7,  # car, truck, bus, train, motorcycle, bicycle
    34: 255  # licence plate, the largest id in the files
}  # yapf: disable
# rare classes count more in the losses: about 0.1 divided by their share of the pixels
class_weight = [0.5, 2.0, 0.6, 4.0, 1.0, 0.8, 6.0, 1.2]
source = dict(type='LabelMappedDataset', metainfo=metainfo, label_map=label_map)
source_train = dict(source)
source_val = dict(source)
labeled_target_pipeline = _base_.source_pipeline  # the data set has the map
target = dict(type='LabelMappedDataset', metainfo=metainfo, img_suffix='_leftImg8bit.png')
target_train = dict(target)
labeled_target_train = dict(target, label_map=label_map, pipeline=labeled_target_pipeline)
target_val = dict(target, label_map=label_map, pipeline=_base_.source_val.pipeline)
train_dataloader = dict(dataset=dict(source=source_train, target=target_train))
target_images = dict(target)
val_dataloader = dict(dataset=target_val)
test_dataloader = val_dataloader
