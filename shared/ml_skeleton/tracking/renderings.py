"""Figures, images and mappings as files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure: of matplotlib in the format that the suffix names, of plotly as HTML or a picture."""
    if hasattr(figure, "savefig"):
        figure.savefig(path, bbox_inches="tight")
    elif path.suffix == ".html":
        figure.write_html(str(path))
    else:
        figure.write_image(str(path))


def save_image(image: Any, path: Path) -> None:
    """Write an image; an array of floats is taken to go from 0 to 1, one of whole numbers from 0 to 255."""
    if not hasattr(image, "save"):
        import numpy as np
        from PIL import Image

        pixels = np.asarray(image)
        if pixels.ndim == 3 and pixels.shape[2] == 1:
            pixels = pixels[:, :, 0]  # (height, width)
        if np.issubdtype(pixels.dtype, np.floating):
            pixels = np.clip(pixels, 0, 1) * 255
        image = Image.fromarray(pixels.astype(np.uint8))
    image.save(path)


def save_text(text: str, path: Path) -> None:
    """Write a text."""
    path.write_text(text, encoding="utf-8")


def save_dict(content: Mapping[str, Any], path: Path) -> None:
    """Write a mapping as YAML if the suffix says so, else as JSON; what neither has becomes its text."""
    text = json.dumps(content, indent=2, default=str)
    if path.suffix in (".yaml", ".yml"):
        import yaml

        text = yaml.safe_dump(json.loads(text), sort_keys=False)
    path.write_text(text, encoding="utf-8")
