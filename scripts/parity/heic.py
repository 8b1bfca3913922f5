"""HEIC files for the parity corpus: what pillow-heif writes, and grids of tiles as telephones write them."""

import io
import struct

import numpy as np
import pillow_heif


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def full(kind, version, flags, *parts):
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def encoded(image, **options):
    """One picture as pillow-heif writes it."""
    out = io.BytesIO()
    image.save(out, "HEIF", **options)
    return out.getvalue()


def found(file, kind):
    """The payload of the first box of that kind, wherever it lies."""
    at = file.index(kind)
    size = struct.unpack(">I", file[at - 4 : at])[0]
    return file[at + 4 : at - 4 + size]


def deep(image, bits=10, **options):
    """More than 8 bits a sample."""
    samples = np.asarray(image).astype(np.uint16) * 257
    out = io.BytesIO()
    pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
    pillow_heif.from_bytes(mode="RGB;16", size=image.size, data=samples.tobytes()).save(out, **options)
    pillow_heif.options.SAVE_HDR_TO_12_BIT = False
    return out.getvalue()


def grid(image, tile, rotation=0, mirror=None, brand=b"heic", exif=None, clean=None, encode=encoded, shared=False, **options):
    """A picture of square tiles, whose last row and column reach over its edges, turned by quarters anticlockwise.

    With `shared`, every tile is the first one's data.
    """
    width, height = image.size
    columns, rows = -(-width // tile), -(-height // tile)
    tiles = []
    for row in range(rows):
        for column in range(columns):
            left, top = column * tile, row * tile
            part = image.crop((left, top, left + tile, top + tile))
            tiles.append(encode(part, **options))
    data = [found(file, b"mdat") for file in tiles]
    properties = [full(b"ispe", 0, 0, struct.pack(">II", width, height)), full(b"ispe", 0, 0, struct.pack(">II", tile, tile))]
    properties += [box(b"hvcC", found(file, b"hvcC")) for file in tiles]
    own = [1]
    for extra in ([box(b"clap", struct.pack(">8I", *clean))] if clean else []) + ([box(b"irot", bytes([rotation]))] if rotation else []) + ([box(b"imir", bytes([mirror]))] if mirror is not None else []):
        properties.append(extra)
        own.append(0x80 | len(properties))
    places = [(1, own)] + [(i + 2, [2, 0x80 | (i + 3)]) for i in range(len(tiles))]
    entries = [full(b"infe", 2, 0, struct.pack(">HH", 1, 0), b"grid\0")]
    entries += [full(b"infe", 2, 1, struct.pack(">HH", i + 2, 0), b"hvc1\0") for i in range(len(tiles))]
    references = [box(b"dimg", struct.pack(">HH", 1, len(tiles)), *[struct.pack(">H", i + 2) for i in range(len(tiles))])]
    if exif:
        exif_id = len(tiles) + 2
        entries.append(full(b"infe", 2, 1, struct.pack(">HH", exif_id, 0), b"Exif\0"))
        references.append(box(b"cdsc", struct.pack(">HHH", exif_id, 1, 1)))
        data.append(struct.pack(">I", 6) + b"Exif\0\0" + exif)
    layout = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)

    def meta(start):
        locations = struct.pack(">HHHH", 1, 1, 0, 1) + struct.pack(">II", 0, len(layout))  # within idat
        at = start
        for i, part in enumerate(data):
            locations += struct.pack(">HHHH", i + 2, 0, 0, 1) + struct.pack(">II", start if shared else at, len(part))
            at += len(part)
        associations = b"".join(struct.pack(">HB", item, len(ids)) + bytes(ids) for item, ids in places)
        return full(
            b"meta", 0, 0,
            full(b"hdlr", 0, 0, b"\0\0\0\0pict" + b"\0" * 13),
            full(b"pitm", 0, 0, struct.pack(">H", 1)),
            full(b"iloc", 1, 0, struct.pack(">BBH", 0x44, 0, len(data) + 1), locations),
            full(b"iinf", 0, 0, struct.pack(">H", len(entries)), *entries),
            full(b"iref", 0, 0, *references),
            box(b"iprp", box(b"ipco", *properties), full(b"ipma", 0, 0, struct.pack(">I", len(places)), associations)),
            box(b"idat", layout),
        )

    head = box(b"ftyp", brand, b"\0\0\0\0", b"mif1", b"heic")
    start = len(head) + len(meta(0)) + 8
    return head + meta(start) + box(b"mdat", *(data[:1] if shared else data))
