# MinEnt for the schedule of 600 iterations: a hundred times the published weights.
_base_ = './minent.py'
method = dict(entropy=dict(weight=(0.1, 0.02)))
