"""For scripts and notebooks: adapting a model to a folder of images, and predicting images, folders and videos."""
from .adapt import adapt
from .predict import predict
from .prediction_set import PredictionOptions
from .predictor import Predictor
from .result import PredictionResult

__all__ = ['PredictionOptions', 'PredictionResult', 'Predictor', 'adapt', 'predict']
