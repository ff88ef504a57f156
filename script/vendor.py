"""Copies the single-file ES modules that pages load, and the slides' font, out of node_modules (standard library only)."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE = ROOT / "node_modules"
SCRIPTS = ROOT / "school" / "webkit" / "static" / "vendor"
FONTS = ROOT / "media_worker" / "fonts"

MODULES = {
    "hls.mjs": "hls.js/dist/hls.min.mjs",
    "hls.worker.js": "hls.js/dist/hls.worker.js",
    "echarts.esm.mjs": "echarts/dist/echarts.esm.min.mjs",
    "socket.io.mjs": "socket.io-client/dist/socket.io.esm.min.js",
}
WRAPPED = {"tus.mjs": ("tus-js-client/dist/tus.min.js", "Upload, defaultOptions, isSupported, DetailedError")}
TYPEFACES = {
    "NotoSerifSC-Regular.ttf": "@expo-google-fonts/noto-serif-sc/400Regular/NotoSerifSC_400Regular.ttf",
    "NotoSerifSC-Bold.ttf": "@expo-google-fonts/noto-serif-sc/700Bold/NotoSerifSC_700Bold.ttf",
}


def _source(path: str) -> str:
    text = (NODE / path).read_text(encoding="utf-8")
    return re.sub(r"//# sourceMappingURL=.*\s*$", "", text)  # the maps are not copied


def copy() -> None:
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    FONTS.mkdir(parents=True, exist_ok=True)
    for name, path in MODULES.items():
        (SCRIPTS / name).write_text(_source(path), encoding="utf-8")
    for name, (path, names) in WRAPPED.items():  # published as a UMD bundle only
        (SCRIPTS / name).write_text(
            f"const exports = {{}}, module = {{ exports }};\n{_source(path)}\nexport const {{ {names} }} = module.exports;\n",
            encoding="utf-8",
        )
    for name, path in TYPEFACES.items():
        shutil.copyfile(NODE / path, FONTS / name)


if __name__ == "__main__":
    copy()
