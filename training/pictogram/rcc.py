"""Reads Qt's binary resource files (.rcc), in which GCompris ships its pictures and word lists."""

import struct
import zlib
from pathlib import Path

COMPRESSED, DIRECTORY = 1, 2


def read_rcc(path: Path) -> dict[str, bytes]:
    """{path inside the file: content}"""
    blob = path.read_bytes()
    assert blob[:4] == b"qres", f"{path} is no Qt resource file"
    version, tree, data, names = struct.unpack(">4I", blob[4:20])
    node_bytes = 14 if version == 1 else 22
    files: dict[str, bytes] = {}

    def name_at(offset: int) -> str:
        (length,) = struct.unpack_from(">H", blob, names + offset)
        start = names + offset + 6  # past the length and a hash
        return blob[start : start + 2 * length].decode("utf-16-be")

    def walk(node: int, prefix: str) -> None:
        at = tree + node * node_bytes
        name, flags = struct.unpack_from(">IH", blob, at)
        if flags & DIRECTORY:
            count, first = struct.unpack_from(">II", blob, at + 6)
            for child in range(first, first + count):
                walk(child, prefix + (name_at(name) + "/" if node else ""))
            return
        (offset,) = struct.unpack_from(">I", blob, at + 10)
        (length,) = struct.unpack_from(">I", blob, data + offset)
        content = blob[data + offset + 4 : data + offset + 4 + length]
        files[prefix + name_at(name)] = zlib.decompress(content[4:]) if flags & COMPRESSED else content

    walk(0, "")
    return files
