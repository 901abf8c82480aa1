"""(FPR, FNR) of chest X-ray labels by finding, as counted by ``python -m tasks.padchest_reports.rates``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Against = Literal["film", "text", "rater"]

MEASURED: Mapping[str, Mapping[str, tuple[float, float]]] = {
    # Labels mined from NIH reports (Wang et al., 2017, arXiv:1705.02315) against adjudicated reads of 4,376 films (Majkowska et al., 2020,
    # doi:10.1148/radiol.2019191293), a sample in which findings are enriched.
    "film": {
        "pneumothorax": (0.031, 0.542),
        "nodule or mass": (0.053, 0.577),
        "airspace opacity": (0.194, 0.491),
    },
    # Automatic against manual index of 3,860 Open-i reports (Demner-Fushman et al., 2016, doi:10.1093/jamia/ocv080), keyword map version 1.
    "text": {
        "cardiomegaly": (0.001, 0.245),
        "opacity": (0.002, 0.046),
        "atelectasis": (0.018, 0.033),
        "calcified granuloma": (0.028, 0.028),
        "pleural effusion": (0.010, 0.043),
        "infiltrate or airspace": (0.013, 0.404),
        "nodule or mass": (0.005, 0.437),
        "emphysema or copd": (0.007, 0.179),
        "edema or congestion": (0.006, 0.220),
        "scarring": (0.014, 0.048),
        "spine degeneration": (0.021, 0.127),
        "fracture": (0.004, 0.024),
        "hiatal hernia": (0.001, 0.0),
        "pleural thickening": (0.001, 0.375),
    },
    # One radiologist against the majority of three, 15,000 films of VinDr-CXR (Nguyen et al., 2022, arXiv:2012.15029).
    "rater": {
        "aortic enlargement": (0.019, 0.086),
        "atelectasis": (0.003, 0.237),
        "calcification": (0.006, 0.226),
        "cardiomegaly": (0.012, 0.095),
        "consolidation": (0.005, 0.248),
        "interstitial lung disease": (0.005, 0.178),
        "infiltration": (0.008, 0.210),
        "lung opacity": (0.018, 0.232),
        "nodule or mass": (0.010, 0.184),
        "other lesion": (0.018, 0.216),
        "pleural effusion": (0.009, 0.103),
        "pleural thickening": (0.026, 0.195),
        "pneumothorax": (0.001, 0.075),
        "pulmonary fibrosis": (0.014, 0.126),
    },
}

# Names of a finding in data sets -> measured findings that it is, or is a part of.
NAMES: Mapping[str, tuple[str, ...]] = {
    "nodule": ("nodule or mass",),
    "mass": ("nodule or mass",),
    "lung lesion": ("nodule or mass",),
    "nodule/mass": ("nodule or mass",),
    "opacity": ("airspace opacity", "lung opacity"),
    "lung opacity": ("airspace opacity", "opacity"),
    "infiltration": ("airspace opacity", "infiltrate or airspace"),
    "infiltrate": ("airspace opacity", "infiltrate or airspace", "infiltration"),
    "infiltrate or airspace": ("airspace opacity", "infiltration"),
    "pneumonia": ("airspace opacity", "infiltrate or airspace"),
    "consolidation": ("airspace opacity", "infiltrate or airspace"),
    "atelectasis": ("airspace opacity",),
    "edema": ("airspace opacity", "edema or congestion"),
    "edema or congestion": ("airspace opacity",),
    "effusion": ("pleural effusion",),
    "emphysema": ("emphysema or copd",),
    "fibrosis": ("pulmonary fibrosis", "scarring"),
    "scarring": ("pulmonary fibrosis",),
    "hernia": ("hiatal hernia",),
    "ild": ("interstitial lung disease",),
}
