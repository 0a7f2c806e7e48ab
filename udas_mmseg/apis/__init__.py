"""Trained models in Python, for scripts and notebooks: prediction of single images, folders and videos."""
from .predict import predict
from .prediction_set import PredictionOptions
from .predictor import Predictor
from .result import PredictionResult

__all__ = ['PredictionOptions', 'PredictionResult', 'Predictor', 'predict']
