# A student of UDAS: learns from labelled (translated) source images and from target images with its teacher's labels.
#     model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
method = dict(type='StudentTeacherSegmentor')
