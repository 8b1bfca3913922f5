"""The parity corpus: small pictures of every format in the shapes that files come in (pip install numpy pillow pillow-heif).

`files()` yields names and bytes. Randomness is seeded, so that two runs with one Pillow give the same files.
"""

import base64
import io
import json
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageDraw, ImageOps

import heic
from pillow import reference

WIDTH, HEIGHT = 24, 16
random = np.random.default_rng(14)


def picture(width=WIDTH, height=HEIGHT):
    """Slopes in three colours with a disc and a bar: a wrong stride, order, turn or channel shows at once."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    base = np.stack([x * 200 + 20, y * 180 + 40, (1 - x) * 150 + y * 60 + 20], 2).astype(np.uint8)
    image = Image.fromarray(base)
    draw = ImageDraw.Draw(image)
    draw.ellipse([width * 0.2, height * 0.15, width * 0.55, height * 0.6], fill=(210, 60, 40))
    draw.rectangle([width * 0.65, height * 0.5, width * 0.9, height * 0.9], fill=(30, 60, 160))
    return image


RGB = picture()
GREY = RGB.convert("L")
rgb = np.asarray(RGB)
grey = np.asarray(GREY)
ramp = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
RGBA = RGB.copy()
RGBA.putalpha(Image.fromarray(ramp))
rgba = np.asarray(RGBA)
PROFILES = {"sRGB": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()}


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(orientation, little=True):
    """A TIFF structure with the orientation alone, as it lies in EXIF."""
    order = "<" if little else ">"
    head = (b"II*\0" if little else b"MM\0*") + struct.pack(order + "I", 8)
    entry = struct.pack(order + "HHIHH", 0x112, 3, 1, orientation, 0)
    return head + struct.pack(order + "H", 1) + entry + struct.pack(order + "I", 0)


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'


# PNG


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_rows(samples, bits):
    """samples: height x width x channels, whole numbers below 2 ** bits."""
    height, width, channels = samples.shape
    flat = samples.reshape(height, width * channels)
    if bits == 16:
        return [row.astype(">u2").tobytes() for row in flat]
    if bits == 8:
        return [row.astype(np.uint8).tobytes() for row in flat]
    per = 8 // bits
    padded = np.pad(flat, ((0, 0), (0, -flat.shape[1] % per))).astype(np.uint8)
    packed = sum(padded[:, i::per] << (8 - bits * (i + 1)) for i in range(per))
    return [row.astype(np.uint8).tobytes() for row in packed]


def png(samples, bits, colour, before=b"", after=b"", interlaced=False, parts=1, level=9):
    height, width, _ = samples.shape
    passes = [samples]
    if interlaced:
        passes = [samples[y::dy, x::dx] for x, y, dx, dy in
                  [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]]
    raw = b"".join(b"\0" + row for part in passes if part.size for row in png_rows(part, bits))
    data = zlib.compress(raw, level)
    step = -(-len(data) // parts)
    body = b"".join(chunk(b"IDAT", data[i : i + step]) for i in range(0, len(data), step))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced)))
    return b"\x89PNG\r\n\x1a\n" + head + before + body + after + chunk(b"IEND", b"")


def png_files():
    for bits in (1, 2, 4, 8, 16):
        top = 2**bits - 1
        level = np.asarray(GREY).astype(np.uint32) * top // 255
        shades = level[..., None]
        for interlaced in (False, True):
            lace = "-interlaced" if interlaced else ""
            yield f"png-grey-{bits}{lace}", png(shades, bits, 0, interlaced=interlaced)
        yield f"png-grey-{bits}-trns", png(shades, bits, 0, chunk(b"tRNS", struct.pack(">H", int(level[2, 3]))))
        if bits <= 8:
            colours = min(top + 1, 40)
            index = (np.asarray(RGB.quantize(colours)).astype(np.uint32))[..., None]
            table = bytes(RGB.quantize(colours).getpalette()[: 3 * colours])
            for interlaced in (False, True):
                lace = "-interlaced" if interlaced else ""
                yield f"png-palette-{bits}{lace}", png(index, bits, 3, chunk(b"PLTE", table), interlaced=interlaced)
            for name, alphas in (("first", b"\0"), ("some", bytes([128, 255, 0])[:colours]), ("last", b"\xff" * (colours - 1) + b"\0")):
                yield f"png-palette-{bits}-trns-{name}", png(index, bits, 3, chunk(b"PLTE", table) + chunk(b"tRNS", alphas))
    wide = rgb.astype(np.uint32) * 257
    wide = np.minimum(wide + random.integers(0, 200, wide.shape), 65535)
    alpha16 = ramp.astype(np.uint32)[..., None] * 257
    for interlaced in (False, True):
        lace = "-interlaced" if interlaced else ""
        yield f"png-rgb-8{lace}", png(rgb, 8, 2, interlaced=interlaced)
        yield f"png-rgb-16{lace}", png(wide, 16, 2, interlaced=interlaced)
        yield f"png-rgba-8{lace}", png(rgba, 8, 6, interlaced=interlaced)
        yield f"png-rgba-16{lace}", png(np.concatenate([wide, alpha16], 2), 16, 6, interlaced=interlaced)
        yield f"png-grey-alpha-8{lace}", png(np.dstack([grey, ramp]), 8, 4, interlaced=interlaced)
        yield f"png-grey-alpha-16{lace}", png(np.concatenate([wide[..., :1], alpha16], 2), 16, 4, interlaced=interlaced)
    key = b"".join(struct.pack(">H", int(v)) for v in rgb[2, 3])
    key16 = b"".join(struct.pack(">H", int(v)) for v in wide[2, 3])
    yield "png-rgb-8-trns", png(rgb, 8, 2, chunk(b"tRNS", key))
    yield "png-rgb-16-trns", png(wide, 16, 2, chunk(b"tRNS", key16))
    icc = chunk(b"iCCP", b"p\0\0" + zlib.compress(PROFILES["sRGB"]))
    extras = {
        "gamma": chunk(b"gAMA", struct.pack(">I", 100000)), "srgb": chunk(b"sRGB", b"\0"), "icc": icc,
        "chrm": chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        "sbit": chunk(b"sBIT", b"\5\6\5"), "bkgd": chunk(b"bKGD", b"\0\xff\0\0\0\0"), "phys": chunk(b"pHYs", struct.pack(">IIB", 1, 9, 0)),
        "text": chunk(b"tEXt", b"Comment\0x" * 9), "time": chunk(b"tIME", b"\x07\xe9\1\1\1\1\1"), "cicp": chunk(b"cICP", b"\x09\x10\0\1"),
        "unknown": chunk(b"xyZw", b"1234"), "xmp-orientation": chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        "raw-profile-orientation": chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n%8d\n" % (len(exif(6)) + 6) + (b"Exif\0\0" + exif(6)).hex().encode() + b"\n")),
    }
    for name, extra in extras.items():
        yield f"png-{name}", png(rgb, 8, 2, extra)
    for orientation in (0, 2, 3, 5, 6, 7, 8, 9):
        yield f"png-exif-{orientation}", png(rgb, 8, 2, chunk(b"eXIf", exif(orientation, orientation % 2 == 0)))
    yield "png-exif-after-idat", png(rgb, 8, 2, after=chunk(b"eXIf", exif(6)))
    yield "png-exif-grey-alpha", png(np.dstack([grey, ramp]), 8, 4, chunk(b"eXIf", exif(6)))
    yield "png-exif-palette", png(np.asarray(RGB.quantize(30))[..., None], 8, 3, chunk(b"PLTE", bytes(RGB.quantize(30).getpalette()[:90])) + chunk(b"eXIf", exif(8)))
    yield "png-many-idat", png(rgb, 8, 2, parts=40)
    yield "png-stored", png(rgb, 8, 2, level=0)
    yield "png-trailing", png(rgb, 8, 2) + b"trailing" * 40
    yield "png-animated", saved(RGB, "PNG", save_all=True, append_images=[ImageOps.invert(RGB)])
    yield "png-animated-default", saved(RGB, "PNG", save_all=True, default_image=True, append_images=[ImageOps.invert(RGB), GREY.convert("RGB")])
    yield "png-palette-short", png(np.asarray(RGB.quantize(30))[..., None], 8, 3, chunk(b"PLTE", bytes(RGB.quantize(30).getpalette()[:60])))
    whole = png(rgb, 8, 2)
    yield "png-bad-crc-ihdr", whole[:29] + bytes([whole[29] ^ 1]) + whole[30:]
    at = whole.index(b"IDAT")
    end = at + 4 + struct.unpack(">I", whole[at - 4 : at])[0]
    yield "png-bad-crc-idat", whole[:end] + bytes([whole[end] ^ 1]) + whole[end + 1 :]
    yield "png-truncated-half", whole[: len(whole) // 2]
    yield "png-truncated-end", whole[:-12]
    yield "png-no-idat", whole[: at - 4] + chunk(b"IEND", b"")
    for width, height in [(1, 1), (1, 2), (2, 1), (3, 2), (17, 16), (200, 1), (1, 200), (16, 400)]:
        yield f"png-{width}x{height}", saved(picture(width, height), "PNG")


# JPEG


def jpeg_segments(data):
    """[start, end, marker] of the segments before the scan."""
    at = 2
    while data[at + 1] != 0xDA:
        length = struct.unpack(">H", data[at + 2 : at + 4])[0]
        yield at, at + 2 + length, data[at + 1]
        at += 2 + length


def jpeg_without(data, *markers):
    out, last = data[:2], 2
    for start, end, marker in jpeg_segments(data):
        if marker not in markers:
            out += data[start:end]
        last = end
    return out + data[last:]


def jpeg_with(data, marker, payload):
    return data[:2] + b"\xff" + bytes([marker]) + struct.pack(">H", len(payload) + 2) + payload + data[2:]


def jpeg_patched(data, change):
    """`change` gets the bytes of the frame header from its precision on."""
    data = bytearray(data)
    for start, end, marker in jpeg_segments(data):
        if marker in (0xC0, 0xC1, 0xC2):
            head = bytearray(data[start + 4 : end])
            change(head)
            data[start + 4 : end] = head
    return bytes(data)


def sampled(*factors):
    def change(head):
        for i, factor in enumerate(factors):
            head[7 + 3 * i] = factor
    return change


def named(*ids):
    def change(head):
        for i, value in enumerate(ids):
            head[6 + 3 * i] = value
    return change


def jpeg_renamed(data, ids):
    """Other component ids, in the frame and in the scan."""
    data = bytearray(jpeg_patched(data, named(*ids)))
    scan = data.index(b"\xff\xda")
    for i, value in enumerate(ids):
        data[scan + 5 + 2 * i] = value
    return bytes(data)


def jpeg_files():
    for subsampling in (0, 1, 2):
        for quality in (30, 75, 95):
            yield f"jpeg-{quality}-sub{subsampling}", saved(RGB, "JPEG", quality=quality, subsampling=subsampling)
            yield f"jpeg-{quality}-sub{subsampling}-progressive", saved(RGB, "JPEG", quality=quality, subsampling=subsampling, progressive=True)
    for width, height in [(1, 1), (7, 9), (8, 8), (15, 17), (16, 16), (33, 31), (100, 3)]:
        for subsampling in (0, 2):
            yield f"jpeg-{width}x{height}-sub{subsampling}", saved(picture(width, height), "JPEG", subsampling=subsampling)
    plain = saved(RGB, "JPEG", quality=90, subsampling=0)
    yield "jpeg-grey", saved(GREY, "JPEG", quality=90)
    yield "jpeg-grey-progressive", saved(GREY, "JPEG", quality=90, progressive=True)
    yield "jpeg-optimized", saved(RGB, "JPEG", quality=90, optimize=True)
    for blocks in (1, 3):
        yield f"jpeg-restart-{blocks}", saved(RGB, "JPEG", restart_marker_blocks=blocks)
    half = saved(picture(32, 16), "JPEG", subsampling=1)
    yield "jpeg-sampled-1x2", jpeg_patched(half, sampled(0x12))
    yield "jpeg-sampled-4x1", jpeg_patched(saved(picture(64, 16), "JPEG", subsampling=2), sampled(0x41))
    yield "jpeg-sampled-2x2-all", jpeg_patched(saved(picture(32, 32), "JPEG", subsampling=0), sampled(0x11, 0x11, 0x11))
    yield "jpeg-no-jfif", jpeg_without(plain, 0xE0)
    yield "jpeg-rgb-ids", jpeg_renamed(jpeg_without(plain, 0xE0), b"RGB")
    yield "jpeg-rgb-ids-jfif", jpeg_renamed(plain, b"RGB")
    yield "jpeg-zero-ids", jpeg_renamed(plain, b"\0\1\2")
    yield "jpeg-odd-ids", jpeg_renamed(jpeg_without(plain, 0xE0), b"\1\x22\x23")
    yield "jpeg-kept-rgb", saved(RGB, "JPEG", quality=90, keep_rgb=True)
    for transform in (0, 1, 2):
        adobe = b"Adobe\0\x64\0\0\0\0" + bytes([transform])
        yield f"jpeg-adobe-{transform}", jpeg_with(jpeg_without(plain, 0xE0), 0xEE, adobe)
        yield f"jpeg-adobe-{transform}-jfif", jpeg_with(plain, 0xEE, adobe)
    cmyk = saved(RGB.convert("CMYK"), "JPEG", quality=90)
    yield "jpeg-cmyk", cmyk
    yield "jpeg-cmyk-unmarked", jpeg_without(cmyk, 0xEE)
    for transform in (0, 1, 2):
        yield f"jpeg-cmyk-adobe-{transform}", jpeg_with(jpeg_without(cmyk, 0xEE), 0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))
    yield "jpeg-cmyk-icc", saved(RGB.convert("CMYK"), "JPEG", quality=90, icc_profile=PROFILES["sRGB"])
    yield "jpeg-icc", saved(RGB, "JPEG", icc_profile=PROFILES["sRGB"])
    for orientation in range(10):
        yield f"jpeg-exif-{orientation}", jpeg_with(plain, 0xE1, b"Exif\0\0" + exif(orientation, orientation % 2 == 0))
    yield "jpeg-exif-6-sub2", jpeg_with(saved(picture(25, 17), "JPEG", subsampling=2), 0xE1, b"Exif\0\0" + exif(6))
    yield "jpeg-exif-twice", jpeg_with(jpeg_with(plain, 0xE1, b"Exif\0\0" + exif(6)), 0xE1, b"Exif\0\0" + exif(3))
    yield "jpeg-exif-bad", jpeg_with(plain, 0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff")
    yield "jpeg-exif-short", jpeg_with(plain, 0xE1, b"Exif\0\0II")
    yield "jpeg-exif-long-type", jpeg_with(plain, 0xE1, b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\4\0\1\0\0\0\6\0\0\0\0\0\0\0")
    yield "jpeg-xmp-orientation", jpeg_with(plain, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)
    yield "jpeg-comment", jpeg_with(plain, 0xFE, b"hello" * 30)
    yield "jpeg-photoshop", jpeg_with(plain, 0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\0")
    yield "jpeg-trailing", plain + b"\0" * 500
    yield "jpeg-two", plain + saved(ImageOps.invert(RGB), "JPEG")
    yield "jpeg-mpo", saved(RGB, "MPO", save_all=True, append_images=[ImageOps.invert(RGB)], quality=90)
    yield "jpeg-fill-bytes", plain[:2] + b"\xff\xff\xff" + plain[2:]
    yield "jpeg-leading-garbage", b"\0\0" + plain
    yield "jpeg-no-eoi", plain[:-2]
    yield "jpeg-last-byte-missing", plain[:-1]
    yield "jpeg-truncated-10", plain[:-10]
    yield "jpeg-truncated-half", plain[: len(plain) // 2 + 200]
    yield "jpeg-12-bit", jpeg_patched(plain, lambda head: head.__setitem__(0, 12))
    yield "jpeg-height-0", jpeg_patched(plain, lambda head: head.__setitem__(slice(1, 3), b"\0\0"))
    yield "jpeg-no-huffman-tables", jpeg_without(plain, 0xC4)
    for scale in (3, 5, 9):
        yield f"jpeg-large-{scale}", saved(picture(WIDTH * 3 * scale, HEIGHT * 3 * scale), "JPEG", quality=60)


# WebP, GIF


def webp_chunks(*chunks):
    body = b"".join(kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def webp_files():
    for quality in (20, 80, 100):
        yield f"webp-{quality}", saved(RGB, "WEBP", quality=quality)
        yield f"webp-{quality}-alpha", saved(RGBA, "WEBP", quality=quality)
    yield "webp-alpha-20", saved(RGBA, "WEBP", quality=80, alpha_quality=20)
    for exact in (False, True):
        yield f"webp-lossless-exact-{exact}", saved(RGBA, "WEBP", lossless=True, exact=exact)
    yield "webp-lossless", saved(RGB, "WEBP", lossless=True)
    yield "webp-lossless-palette", saved(RGB.quantize(20).convert("RGB"), "WEBP", lossless=True)
    yield "webp-grey", saved(GREY, "WEBP", lossless=True)
    yield "webp-icc", saved(RGB, "WEBP", icc_profile=PROFILES["sRGB"])
    for orientation in (0, 2, 5, 6, 8, 9):
        yield f"webp-exif-{orientation}", saved(RGB, "WEBP", lossless=True, exif=exif(orientation))
        yield f"webp-exif-{orientation}-header", saved(RGB, "WEBP", lossless=True, exif=b"Exif\0\0" + exif(orientation))
    yield "webp-xmp-orientation", saved(RGB, "WEBP", lossless=True, xmp=XMP)
    others = [ImageOps.invert(RGBA.convert("RGB")).convert("RGBA"), RGBA]
    yield "webp-animated", saved(RGB, "WEBP", save_all=True, append_images=others, lossless=True)
    yield "webp-animated-alpha", saved(RGBA, "WEBP", save_all=True, append_images=others, lossless=True)
    for background in ((255, 0, 0, 255), (0, 0, 0, 0)):
        corner = Image.new("RGBA", RGB.size)
        corner.paste(RGBA.crop((4, 4, 14, 12)), (4, 4))
        yield f"webp-animated-corner-{background[0]}", saved(corner, "WEBP", save_all=True, append_images=others, lossless=True, background=background)
    for width, height in [(1, 1), (3, 5), (17, 15)]:
        yield f"webp-{width}x{height}", saved(picture(width, height), "WEBP", quality=80)
    plain = saved(RGB, "WEBP", quality=80)
    yield "webp-trailing", plain + b"\0" * 30
    yield "webp-truncated", plain[:-20]
    yield "webp-extended-bare", webp_chunks((b"VP8X", b"\0\0\0\0" + (WIDTH - 1).to_bytes(3, "little") + (HEIGHT - 1).to_bytes(3, "little")), (b"VP8 ", plain[20:]))


def gif_frame(indices, left=0, top=0, table=None, interlaced=False, control=b"", minimum=None):
    height, width = indices.shape
    rows = indices
    if interlaced:
        order = [*range(0, height, 8), *range(4, height, 8), *range(2, height, 4), *range(1, height, 2)]
        rows = indices[order]
    code = minimum or max(2, int(indices.max()).bit_length())
    bits, count, out = 0, 0, bytearray()
    size = code + 1
    for i, value in enumerate(rows.ravel()):
        for symbol in ([1 << code] if i % (2**code - 2) == 0 else []) + [int(value)]:  # cleared before the codes grow
            bits |= symbol << count
            count += size
            while count >= 8:
                out.append(bits & 255)
                bits >>= 8
                count -= 8
    bits |= ((1 << code) + 1) << count
    out += (bits & 0xFFFFFF).to_bytes(3, "little")
    blocks = b"".join(bytes([len(out[i : i + 255])]) + bytes(out[i : i + 255]) for i in range(0, len(out), 255)) + b"\0"
    flags = (0x40 if interlaced else 0) | (0x80 | (len(table) // 3).bit_length() - 2 if table else 0)
    return control + b"," + struct.pack("<HHHHB", left, top, width, height, flags) + (table or b"") + bytes([code]) + blocks


def gif(frames, width=WIDTH, height=HEIGHT, table=None, background=0, version=b"89a"):
    flags = 0x80 | (len(table) // 3).bit_length() - 2 if table else 0
    return b"GIF" + version + struct.pack("<HHBBB", width, height, flags, background, 0) + (table or b"") + b"".join(frames) + b";"


def gif_control(disposal=0, transparent=None):
    return b"!\xf9\4" + bytes([disposal << 2 | (transparent is not None), 0, 0, transparent or 0]) + b"\0"


def gif_files():
    paletted = RGB.quantize(32)
    index = np.asarray(paletted)
    table = bytes(paletted.getpalette()[:96])
    other = bytes(ImageOps.invert(RGB).quantize(32).getpalette()[:96])
    for interlaced in (False, True):
        yield f"gif-interlaced-{interlaced}", gif([gif_frame(index, interlaced=interlaced)], table=table)
    yield "gif-87a", gif([gif_frame(index)], table=table, version=b"87a")
    yield "gif-local-table", gif([gif_frame(index, table=table)], table=other)
    yield "gif-local-table-alone", gif([gif_frame(index, table=table)])
    yield "gif-no-table", gif([gif_frame(index)])
    yield "gif-short-table", gif([gif_frame(index)], table=table[:48])
    for transparent in (0, 5, 31, 200):
        yield f"gif-transparent-{transparent}", gif([gif_frame(index, control=gif_control(0, transparent))], table=table)
        yield f"gif-transparent-{transparent}-local", gif([gif_frame(index, control=gif_control(0, transparent), table=table)], table=other, background=3)
    for background in (0, 7):
        for transparent in (None, 5):
            for left, top in ((0, 0), (5, 4)):
                control = gif_control(2, transparent)
                name = f"gif-part-{left}-background-{background}-transparent-{transparent}"
                frames = [gif_frame(index[:9, :13], left, top, control=control), gif_frame(index, control=gif_control())]
                yield name, gif(frames, table=table, background=background)
    yield "gif-frame-outside", gif([gif_frame(index, 8, 6)], table=table)
    yield "gif-frame-larger", gif([gif_frame(index)], 16, 16, table=table)
    yield "gif-comment", gif([b"!\xfe\5hello\0", gif_frame(index)], table=table)
    yield "gif-netscape", gif([b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0", gif_frame(index), gif_frame(index[::-1])], table=table)
    yield "gif-two-controls", gif([gif_control(0, 3), gif_control(0, 9), gif_frame(index)], table=table)
    yield "gif-grey", saved(GREY, "GIF")
    yield "gif-two-colours", saved(RGB.convert("1"), "GIF")
    yield "gif-animated", saved(paletted, "GIF", save_all=True, append_images=[ImageOps.invert(RGB).quantize(20)])
    yield "gif-trailing", gif([gif_frame(index)], table=table) + b"\0" * 50
    yield "gif-truncated", gif([gif_frame(index)], table=table)[:-80]
    yield "gif-no-trailer", gif([gif_frame(index)], table=table)[:-1]
    for width, height in ((640, 480), (800, 600), (2500, 20), (20, 2500)):
        for transparent in (None, 5):
            frame = gif_frame(index, 3, 2, control=gif_control(0, transparent))
            yield f"gif-small-on-{width}x{height}-{transparent}", gif([frame], width, height, table=table, background=7)
    later = gif_frame(index, control=gif_control(0, 9))
    yield "gif-opaque-before-transparent", gif([gif_frame(index[:9, :13], 5, 4), later], table=table)
    yield "gif-screen-0", gif([gif_frame(index)], 0, 0, table=table)


# BMP


def bmp_rows(samples, dtype=np.uint8, pad=True):
    rows = [row.astype(dtype).tobytes() for row in samples.reshape(samples.shape[0], -1)]
    return b"".join(row + b"\0" * (-len(row) % 4 if pad else 0) for row in rows)


def bmp(bits, data, encoding=0, size=40, masks=(), table=b"", offset=None, height=HEIGHT, width=WIDTH, colours=0, gap=b"", planes=1):
    if size == 12:
        head = struct.pack("<IHHHH", 12, width, height, planes, bits)
    else:
        head = struct.pack("<IiiHHIIiiII", size, width, height, planes, bits, encoding, len(data), 2835, 2835, colours, 0)
        fields = struct.pack(f"<{len(masks)}I", *masks)
        head += fields if size == 40 else fields.ljust(size - 40, b"\0")
    body = head + table + gap
    at = 14 + len(body) if offset is None else offset
    return b"BM" + struct.pack("<IHHI", 14 + len(body) + len(data), 0, 0, at) + body + data


def bmp_files():
    flipped = rgb[::-1]
    red, green, blue = (flipped[..., i].astype(np.uint32) for i in range(3))
    alpha = ramp[::-1].astype(np.uint32)
    plain = bmp_rows(flipped[..., ::-1])
    for size in (12, 40, 52, 56, 64, 108, 124, 16, 44):
        yield f"bmp-24-header-{size}", bmp(24, plain, size=size)
    yield "bmp-24-top-down", bmp(24, bmp_rows(rgb[..., ::-1]), height=-HEIGHT)
    yield "bmp-24-odd", saved(picture(17, 16), "BMP")
    yield "bmp-24-last-row-unpadded", bmp(24, bmp_rows(np.asarray(picture(17, 16))[::-1, :, ::-1])[:-1], width=17)
    yield "bmp-24-last-byte-missing", bmp(24, plain[:-1])
    yield "bmp-24-offset-0", bmp(24, plain, offset=0)
    for offset in (1, 14, 20, 53, 5000, 2**32 - 1):
        yield f"bmp-24-offset-{offset}", bmp(24, plain, offset=offset)
    yield "bmp-24-gap", bmp(24, plain, gap=b"\xaa" * 30)
    yield "bmp-24-planes-0", bmp(24, plain, planes=0)
    for size in (40, 52, 56, 108, 124):
        yield f"bmp-24-bitfields-{size}", bmp(24, plain, 3, size, (0xFF0000, 0xFF00, 0xFF, 0)[: 3 if size < 56 else 4])
    yield "bmp-24-bitfields-swapped", bmp(24, plain, 3, 124, (0xFF, 0xFF00, 0xFF0000, 0))
    five = red >> 3 << 10 | green >> 3 << 5 | blue >> 3
    six = red >> 3 << 11 | green >> 2 << 5 | blue >> 3
    yield "bmp-16", bmp(16, bmp_rows(five, "<u2"))
    yield "bmp-16-header-12", bmp(16, bmp_rows(five, "<u2"), size=12)
    for size in (40, 52, 108, 124):
        yield f"bmp-16-565-{size}", bmp(16, bmp_rows(six, "<u2"), 3, size, (0xF800, 0x7E0, 0x1F))
        yield f"bmp-16-555-{size}", bmp(16, bmp_rows(five, "<u2"), 3, size, (0x7C00, 0x3E0, 0x1F))
    four = alpha >> 4 << 12 | red >> 4 << 8 | green >> 4 << 4 | blue >> 4
    yield "bmp-16-4444", bmp(16, bmp_rows(four, "<u2"), 3, 124, (0xF00, 0xF0, 0xF, 0xF000))
    yield "bmp-16-1555", bmp(16, bmp_rows(five | 0x8000, "<u2"), 3, 124, (0x7C00, 0x3E0, 0x1F, 0x8000))
    layouts = {
        "bgrx": (0xFF0000, 0xFF00, 0xFF, 0), "xbgr": (0xFF000000, 0xFF0000, 0xFF00, 0), "bgxr": (0xFF000000, 0xFF00, 0xFF, 0),
        "abgr": (0xFF000000, 0xFF0000, 0xFF00, 0xFF), "rgba": (0xFF, 0xFF00, 0xFF0000, 0xFF000000), "bgra": (0xFF0000, 0xFF00, 0xFF, 0xFF000000),
        "bgar": (0xFF000000, 0xFF00, 0xFF, 0xFF0000), "zero": (0, 0, 0, 0), "rgbx": (0xFF, 0xFF00, 0xFF0000, 0), "ten": (0x3FF00000, 0xFFC00, 0x3FF, 0),
    }
    for name, masks in layouts.items():
        shifts = [(mask & -mask).bit_length() - 1 if mask else 0 for mask in (masks if any(masks) else layouts["bgra"])]
        values = sum(value << shift for value, shift, mask in zip((red, green, blue, alpha), shifts, masks if any(masks) else layouts["bgra"]) if mask)
        for size in (40, 56, 124):
            yield f"bmp-32-{name}-{size}", bmp(32, bmp_rows(values, "<u4"), 3, size, masks[: 3 if size == 40 else 4])
    raw = red << 16 | green << 8 | blue
    yield "bmp-32", bmp(32, bmp_rows(raw, "<u4"))
    yield "bmp-32-alpha-unsaid", bmp(32, bmp_rows(raw | alpha << 24, "<u4"))
    yield "bmp-32-alpha-header-124", bmp(32, bmp_rows(raw | alpha << 24, "<u4"), 0, 124, (0xFF0000, 0xFF00, 0xFF, 0xFF000000))
    yield "bmp-32-alpha-bitfields", bmp(32, bmp_rows(raw | alpha << 24, "<u4"), 6, 40, (0xFF0000, 0xFF00, 0xFF, 0xFF000000))
    for bits in (1, 2, 4, 8):
        colours = min(2**bits, 40)
        paletted = RGB.quantize(colours)
        index = np.asarray(paletted)[::-1].astype(np.uint32)[..., None]
        rows = b"".join(row + b"\0" * (-len(row) % 4) for row in png_rows(index, bits))
        entries = np.array(paletted.getpalette()[: colours * 3], np.uint8).reshape(colours, 3)[:, ::-1]
        table = np.concatenate([entries, np.zeros((colours, 1), np.uint8)], 1).tobytes()
        full = table.ljust(4 * 2**bits, b"\0")
        yield f"bmp-{bits}", bmp(bits, rows, table=full)
        yield f"bmp-{bits}-colours", bmp(bits, rows, table=table, colours=colours)
        yield f"bmp-{bits}-offset-0", bmp(bits, rows, table=full, offset=0)
        yield f"bmp-{bits}-offset-54", bmp(bits, rows, table=full, offset=54)
        yield f"bmp-{bits}-table-short", bmp(bits, rows, table=table)
        yield f"bmp-{bits}-colours-fewer", bmp(bits, rows, table=table[: colours * 2 // 4 * 4], colours=colours // 2)
        yield f"bmp-{bits}-colours-many", bmp(bits, rows, table=table.ljust(1200, b"\7"), colours=300)
        yield f"bmp-{bits}-header-12", bmp(bits, rows, size=12, table=entries.tobytes().ljust(3 * 2**bits, b"\0"))
        shades = np.repeat(np.linspace(0, 255, 2**bits).astype(np.uint8)[:, None], 4, 1)
        shades[:, 3] = 0
        level = (grey[::-1].astype(np.uint32) * (2**bits - 1) // 255)[..., None]
        shade_rows = b"".join(row + b"\0" * (-len(row) % 4) for row in png_rows(level, bits))
        yield f"bmp-{bits}-grey", bmp(bits, shade_rows, table=shades.tobytes())
        yield f"bmp-{bits}-white-first", bmp(bits, shade_rows, table=shades[::-1].tobytes())
        steps = np.repeat(np.arange(2**bits, dtype=np.uint8)[:, None], 4, 1)
        yield f"bmp-{bits}-grey-steps", bmp(bits, shade_rows, table=steps.tobytes())
        yield f"bmp-{bits}-black-white", bmp(bits, png_bits(bits), table=b"\0\0\0\0\xff\xff\xff\0", colours=2)
        if bits in (4, 8):
            yield f"bmp-rle{bits}", bmp(bits, rle(index[..., 0], bits), 2 if bits == 4 else 1, table=full)
            yield f"bmp-rle{bits}-absolute", bmp(bits, rle(index[..., 0], bits, absolute=True), 2 if bits == 4 else 1, table=full)
            yield f"bmp-rle{bits}-short", bmp(bits, rle(index[..., 0], bits)[:-30], 2 if bits == 4 else 1, table=full)
            yield f"bmp-rle{bits}-delta", bmp(bits, b"\0\2\3\2" + rle(index[2:, :, 0], bits), 2 if bits == 4 else 1, table=full)
            yield f"bmp-rle{bits}-grey", bmp(bits, rle(level[..., 0], bits), 2 if bits == 4 else 1, table=steps.tobytes())
            yield f"bmp-rle{bits}-top-down", bmp(bits, rle(index[..., 0], bits), 2 if bits == 4 else 1, table=full, height=-HEIGHT)
    yield "bmp-jpeg", bmp(0, saved(RGB, "JPEG"), 4)
    yield "bmp-png", bmp(0, saved(RGB, "PNG"), 5)
    yield "bmp-rle24", bmp(24, plain, 4, 64)
    yield "bmp-width-0", bmp(24, plain, width=0)
    yield "bmp-width-negative", bmp(24, plain, width=-WIDTH)
    yield "bmp-pillow-1", saved(RGB.convert("1"), "BMP")
    yield "bmp-pillow-rgba", saved(RGBA, "BMP")


def png_bits(bits):
    level = (grey[::-1] > 120).astype(np.uint32)[..., None]
    return b"".join(row + b"\0" * (-len(row) % 4) for row in png_rows(level, bits))


def rle(index, bits, absolute=False):
    """Run-length encoding of rows that are bottom up already: runs, or stretches as they are."""
    out = bytearray()
    for row in index:
        at = 0
        while at < len(row):
            if absolute and len(row) - at >= 5:
                stretch = [int(v) for v in row[at : at + 5]]
                at += 5
                body = bytes(stretch) if bits == 8 else bytes(a << 4 | b for a, b in zip(stretch[::2], [*stretch[1::2], 0]))
                out += b"\0" + bytes([5]) + body + b"\0" * (len(body) % 2)
                continue
            run = 1
            while at + run < len(row) and run < 255 and row[at + run] == row[at]:
                run += 1
            value = int(row[at])
            out += bytes([run, value if bits == 8 else value << 4 | value])
            at += run
        out += b"\0\0"
    return bytes(out) + b"\0\1"


# TIFF


def tiff(samples, bits=8, photometric=2, extra=(), little=True, big=False, planar=1, compression=1, fields=(), rows_per_strip=None, sample_format=None, predictor=1, orientation=None, fill_order=1, bits_field=None, tile=None):
    """One directory of one picture; samples: height x width x channels."""
    order = "<" if little else ">"
    height, width, channels = samples.shape
    planes = [samples[..., i : i + 1] for i in range(channels)] if planar == 2 else [samples]
    rows_per_strip = rows_per_strip or height

    def packed(part):
        if bits in (16, 32, 64) or sample_format == 3:
            kind = {3: "f", 2: "i"}.get(sample_format, "u")
            return part.astype(f"{order}{kind}{bits // 8}").tobytes()
        if bits == 12:
            flat = part.reshape(part.shape[0], -1).astype(np.uint32)
            return b"".join(bytes(b for a, c in zip(row[::2], row[1::2]) for b in (a >> 4, (a & 15) << 4 | c >> 8, c & 255)) for row in flat.tolist())
        data = b"".join(png_rows(part, bits))
        return bytes(int(f"{b:08b}"[::-1], 2) for b in data) if fill_order == 2 else data

    def coded(part):
        part = part.astype(np.int64)
        if predictor == 2:
            part = np.concatenate([part[:, :1], np.diff(part, axis=1)], 1) % 2**bits
        data = packed(part)
        if compression in (8, 32946):
            return zlib.compress(data)
        if compression == 32773:
            return b"".join(bytes([len(data[i : i + 100]) - 1]) + data[i : i + 100] for i in range(0, len(data), 100))
        return data

    if tile:
        parts = []
        for plane in planes:
            padded = np.pad(plane, ((0, -height % tile), (0, -width % tile), (0, 0)))
            parts += [coded(padded[y : y + tile, x : x + tile]) for y in range(0, height, tile) for x in range(0, width, tile)]
        where = (324, 325)
        extra_fields = [(322, 3, [tile]), (323, 3, [tile])]
    else:
        parts = [coded(plane[y : y + rows_per_strip]) for plane in planes for y in range(0, height, rows_per_strip)]
        where = (273, 279)
        extra_fields = [(278, 3, [rows_per_strip])]
    head = 16 if big else 8
    starts, at = [], head
    for part in parts:
        starts.append(at)
        at += len(part) + len(part) % 2
    body = b"".join(part + b"\0" * (len(part) % 2) for part in parts)
    entries = [(256, 3, [width]), (257, 3, [height]), (258, 3, bits_field or [bits] * channels), (259, 3, [compression]), (262, 3, [photometric]),
               (where[0], 4, starts), (277, 3, [channels]), (where[1], 4, [len(part) for part in parts]), (284, 3, [planar]), *extra_fields, *fields]
    if extra:
        entries.append((338, 3, list(extra)))
    if sample_format:
        entries.append((339, 3, [sample_format] * channels))
    if predictor != 1:
        entries.append((317, 3, [predictor]))
    if orientation is not None:
        entries.append((274, 3, [orientation]))
    if fill_order != 1:
        entries.append((266, 3, [fill_order]))
    entries.sort()
    directory_at = head + len(body)
    slot = 8 if big else 4
    size = {1: 1, 3: 2, 4: 4, 2: 1, 7: 1}
    tail_at = directory_at + (8 if big else 2) + len(entries) * (20 if big else 12) + slot
    directory, tail = b"", b""
    for tag, kind, values in entries:
        data = values if isinstance(values, bytes) else b"".join(struct.pack(order + {1: "B", 3: "H", 4: "I"}[kind], v) for v in values)
        count = len(data) // size[kind]
        if len(data) <= slot:
            value = data.ljust(slot, b"\0")
        else:
            value = struct.pack(order + ("Q" if big else "I"), tail_at + len(tail))
            tail += data + b"\0" * (len(data) % 2)
        directory += struct.pack(order + ("HHQ" if big else "HHI"), tag, kind, count) + value
    mark = (b"II" if little else b"MM") + struct.pack(order + "H", 43 if big else 42)
    mark += struct.pack(order + "HHQ", 8, 0, directory_at) if big else struct.pack(order + "I", directory_at)
    return mark + body + struct.pack(order + ("Q" if big else "H"), len(entries)) + directory + b"\0" * slot + tail


def tiff_files():
    wide = np.minimum(rgb.astype(np.int64) * 257 + random.integers(0, 200, rgb.shape), 65535)
    shade = grey[..., None]
    alpha = ramp[..., None]
    wide_alpha = alpha.astype(np.int64) * 257
    premultiplied = (rgb.astype(np.int64) * alpha // 255)
    paletted = RGB.quantize(16)
    index = np.asarray(paletted)[..., None]

    def colour_map(bits):
        table = np.zeros((2**bits, 3), np.int64)
        colours = np.array(RGB.quantize(min(2**bits, 40)).getpalette()[: 3 * min(2**bits, 40)]).reshape(-1, 3)
        table[: len(colours)] = colours * 257
        return [(320, 3, table.T.ravel().tolist())]

    for little in (True, False):
        for big in (True, False):
            kind = ("le" if little else "be") + ("-big" if big else "")
            yield f"tiff-rgb-{kind}", tiff(rgb, little=little, big=big)
            yield f"tiff-rgb-16-{kind}", tiff(wide, 16, little=little, big=big)
            yield f"tiff-grey-16-{kind}", tiff(wide[..., :1], 16, 1, little=little, big=big)
    for bits in (1, 2, 4, 8):
        level = (grey.astype(np.uint32) * (2**bits - 1) // 255)[..., None]
        for photometric in (0, 1):
            for fill_order in (1, 2):
                yield f"tiff-grey-{bits}-{photometric}-fill-{fill_order}", tiff(level, bits, photometric, fill_order=fill_order)
        own = np.asarray(RGB.quantize(min(2**bits, 40)))[..., None]
        yield f"tiff-palette-{bits}", tiff(own, bits, 3, fields=colour_map(bits))
        yield f"tiff-palette-{bits}-be", tiff(own, bits, 3, fields=colour_map(bits), little=False)
    yield "tiff-palette-8-low", tiff(np.asarray(RGB.quantize(40))[..., None], 8, 3, fields=[(320, 3, [v // 257 for v in colour_map(8)[0][2]])])
    yield "tiff-grey-12", tiff(wide[..., :1] >> 4, 12, 1)
    yield "tiff-grey-16-inverted", tiff(wide[..., :1], 16, 0)
    yield "tiff-grey-16-inverted-be", tiff(wide[..., :1], 16, 0, little=False)
    for sample_format in (2, 3, 4):
        for bits in (8, 16, 32, 64):
            for photometric in (0, 1):
                if sample_format == 3 and bits == 8:
                    continue
                yield f"tiff-grey-{bits}-format-{sample_format}-{photometric}", tiff(shade // 2 if bits == 8 else shade * 2, bits, photometric, sample_format=sample_format)
    yield "tiff-grey-32", tiff(shade.astype(np.int64) * 2, 32, 1)
    yield "tiff-grey-32-be", tiff(shade.astype(np.int64) * 2, 32, 1, little=False)
    yield "tiff-grey-float-negative", tiff(shade.astype(float) - 100, 32, 1, sample_format=3)
    yield "tiff-rgb-32", tiff(rgb, 32)
    yield "tiff-rgb-float", tiff(rgb / 255, 32, sample_format=3)
    yield "tiff-rgb-signed", tiff(rgb // 2, 8, sample_format=2)
    second = np.roll(alpha, 5, 1)
    for name, extras, planes in [("none", (), [alpha]), ("0", (0,), [alpha]), ("1", (1,), [alpha]), ("2", (2,), [alpha]), ("999", (999,), [alpha]), ("00", (0, 0), [alpha, second]),
                                 ("000", (0, 0, 0), [alpha, second, alpha]), ("10", (1, 0), [alpha, second]), ("20", (2, 0), [alpha, second]), ("200", (2, 0, 0), [alpha, second, alpha]),
                                 ("100", (1, 0, 0), [alpha, second, alpha]), ("02", (0, 2), [alpha, second]), ("22", (2, 2), [alpha, second]), ("two-unsaid", (), [alpha, second])]:
        colours = premultiplied if extras[:1] == (1,) else rgb
        for planar in (1, 2):
            yield f"tiff-rgb-extra-{name}-planar-{planar}", tiff(np.concatenate([colours, *planes], 2), extra=extras, planar=planar)
        greys = (grey.astype(np.int64)[..., None] * alpha // 255) if extras[:1] == (1,) else shade
        yield f"tiff-grey-extra-{name}", tiff(np.concatenate([greys, *planes], 2), 8, 1, extra=extras)
        yield f"tiff-palette-extra-{name}", tiff(np.concatenate([np.asarray(RGB.quantize(40))[..., None], *planes], 2), 8, 3, extra=extras, fields=colour_map(8))
        cmyk = np.asarray(RGB.convert("CMYK"))
        yield f"tiff-cmyk-extra-{name}", tiff(np.concatenate([cmyk, *planes], 2), 8, 5, extra=extras)
        if len(planes) == 1:
            colours16 = (wide * wide_alpha // 65535) if extras[:1] == (1,) else wide
            yield f"tiff-rgb-16-extra-{name}", tiff(np.concatenate([colours16, wide_alpha], 2), 16, extra=extras)
            yield f"tiff-rgb-16-extra-{name}-be", tiff(np.concatenate([colours16, wide_alpha], 2), 16, extra=extras, little=False)
            yield f"tiff-grey-16-extra-{name}", tiff(np.concatenate([colours16[..., :1], wide_alpha], 2), 16, 1, extra=extras)
    cmyk = np.asarray(RGB.convert("CMYK"))
    yield "tiff-cmyk", tiff(cmyk, 8, 5)
    yield "tiff-cmyk-planar", tiff(cmyk, 8, 5, planar=2)
    yield "tiff-cmyk-16", tiff(cmyk.astype(np.int64) * 257, 16, 5)
    yield "tiff-cmyk-16-be", tiff(cmyk.astype(np.int64) * 257, 16, 5, little=False)
    yield "tiff-cmyk-inkset", tiff(cmyk, 8, 5, fields=[(332, 3, [1])])
    yield "tiff-cmyk-orientation", tiff(cmyk, 8, 5, orientation=6)
    lab = np.asarray(ImageCms.applyTransform(RGB, ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")))
    for little in (True, False):
        yield f"tiff-lab-{little}", tiff(lab, 8, 8, little=little)
    yield "tiff-lab-zip", tiff(lab, 8, 8, compression=8)
    yield "tiff-lab-planar", tiff(lab, 8, 8, planar=2)
    yield "tiff-lab-16", tiff(lab.astype(np.int64) * 257, 16, 8)
    yield "tiff-iccllab", tiff(lab, 8, 9)
    yield "tiff-itulab", tiff(lab, 8, 10)
    yield "tiff-lab-orientation", tiff(lab, 8, 8, orientation=6)
    ycbcr = np.asarray(RGB.convert("YCbCr"))
    yield "tiff-ycbcr", tiff(ycbcr, 8, 6, fields=[(530, 3, [1, 1])])
    yield "tiff-ycbcr-zip", tiff(ycbcr, 8, 6, compression=8, fields=[(530, 3, [1, 1])])
    yield "tiff-ycbcr-subsampled", tiff(ycbcr, 8, 6)
    yield "tiff-logl", tiff(shade, 16, 32844)
    yield "tiff-mask", tiff(shade, 8, 4)
    for compression in (8, 32946, 32773):
        for predictor in (1, 2):
            yield f"tiff-compressed-{compression}-{predictor}", tiff(rgb, compression=compression, predictor=predictor if compression != 32773 else 1, rows_per_strip=5)
    yield "tiff-16-predictor", tiff(wide, 16, compression=8, predictor=2)
    yield "tiff-rgba-predictor", tiff(rgba, extra=(2,), compression=8, predictor=2)
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "lzma", "zstd", "webp"):
        try:
            yield f"tiff-pillow-{compression}", saved(RGB, "TIFF", compression=compression)
            yield f"tiff-pillow-grey-{compression}", saved(GREY, "TIFF", compression=compression)
        except OSError:
            pass
    for compression in ("group3", "group4", "tiff_ccitt", "tiff_lzw", "packbits"):
        yield f"tiff-pillow-1-{compression}", saved(RGB.convert("1"), "TIFF", compression=compression)
    for quality in (40, 90):
        yield f"tiff-jpeg-{quality}", saved(picture(48, 32), "TIFF", compression="jpeg", quality=quality)
    for strips in (1, 3, 16):
        yield f"tiff-strips-{strips}", tiff(rgb, rows_per_strip=strips)
    for tile in (16, 32):
        yield f"tiff-tiled-{tile}", tiff(rgb, tile=tile)
        yield f"tiff-tiled-{tile}-planar-zip", tiff(rgb, tile=tile, planar=2, compression=8)
    yield "tiff-planar", tiff(rgb, planar=2)
    yield "tiff-planar-16", tiff(wide, 16, planar=2)
    yield "tiff-bits-once", tiff(rgb, bits_field=[8])
    yield "tiff-5-6-5", tiff(rgb, bits_field=[8, 8, 4])
    yield "tiff-no-photometric", tiff(shade, photometric=1).replace(struct.pack("<HHIHH", 262, 3, 1, 1, 0), struct.pack("<HHIHH", 261, 3, 1, 1, 0))
    for orientation in range(10):
        yield f"tiff-orientation-{orientation}", tiff(rgb, orientation=orientation)
    yield "tiff-orientation-6-palette", tiff(index, 8, 3, fields=colour_map(8), orientation=6)
    yield "tiff-orientation-8-alpha", tiff(rgba, extra=(2,), orientation=8)
    yield "tiff-orientation-5-grey-16", tiff(wide[..., :1], 16, 1, orientation=5)
    yield "tiff-xmp-orientation", tiff(rgb, fields=[(700, 1, XMP)])
    yield "tiff-icc", tiff(rgb, fields=[(34675, 7, PROFILES["sRGB"])])
    yield "tiff-pages", saved(RGB, "TIFF", save_all=True, append_images=[ImageOps.invert(RGB)])
    reduced = [(254, 4, [1])]
    yield "tiff-thumbnail-first", tiff(rgb, fields=reduced)
    yield "tiff-truncated-directory", tiff(rgb)[:-40]
    yield "tiff-truncated-data", saved(RGB, "TIFF", compression="tiff_lzw")[:-100]
    yield "tiff-offset-outside", tiff(rgb).replace(struct.pack("<HHII", 273, 4, 1, 8), struct.pack("<HHII", 273, 4, 1, 50000))
    yield "tiff-trailing", tiff(rgb) + b"\0" * 99


def modern_files():
    """AVIF, of what Pillow writes; extra.sh writes what it cannot."""
    for subsampling in ("4:4:4", "4:2:2", "4:2:0", "4:0:0"):
        for quality in (50, 95):
            yield f"avif-{subsampling.replace(':', '')}-{quality}", saved(RGB, "AVIF", subsampling=subsampling, quality=quality)
        for range_ in ("full", "limited"):
            yield f"avif-{subsampling.replace(':', '')}-{range_}", saved(RGB, "AVIF", subsampling=subsampling, quality=90, range=range_)
        yield f"avif-{subsampling.replace(':', '')}-alpha", saved(RGBA, "AVIF", subsampling=subsampling, quality=90)
    yield "avif-premultiplied", saved(RGBA, "AVIF", quality=95, subsampling="4:4:4", alpha_premultiplied=True)
    yield "avif-icc", saved(RGB, "AVIF", quality=90, icc_profile=PROFILES["sRGB"])
    for orientation in range(1, 9):
        yield f"avif-orientation-{orientation}", saved(RGB, "AVIF", quality=95, subsampling="4:4:4", exif=exif(orientation))
    yield "avif-animated", saved(RGB, "AVIF", save_all=True, append_images=[ImageOps.invert(RGB)], quality=95, subsampling="4:4:4")
    for width, height in [(1, 1), (3, 2), (17, 15), (31, 40), (100, 75)]:
        yield f"avif-{width}x{height}", saved(picture(width, height), "AVIF", quality=90)
    yield "avif-truncated", saved(RGB, "AVIF", quality=90)[:-60]
    yield "avif-lossless", saved(RGB, "AVIF", quality=100, subsampling="4:4:4")


def heic_files():
    wide = picture(40, 32)
    for chroma in ("420", "422", "444"):
        for quality in (50, 90):
            yield f"heic-{chroma}-{quality}", heic.encoded(wide, quality=quality, chroma=chroma)
        yield f"heic-{chroma}-10-bit", heic.deep(wide, quality=90, chroma=chroma)
    yield "heic-12-bit", heic.deep(wide, 12, quality=90)
    yield "heic-grey", heic.encoded(wide.convert("L"), quality=90)
    yield "heic-lossless", heic.encoded(wide, quality=-1)
    clear = wide.copy()
    clear.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, 40).astype(np.uint8), (32, 1))))
    yield "heic-alpha", heic.encoded(clear, quality=90)
    yield "heic-grey-alpha", heic.encoded(clear.convert("LA"), quality=90)
    for width, height in [(1, 1), (3, 2), (17, 15), (33, 41), (100, 75)]:
        yield f"heic-{width}x{height}", heic.encoded(picture(width, height), quality=90)
    for orientation in range(1, 9):
        yield f"heic-exif-{orientation}", heic.encoded(picture(42, 32), quality=90, exif=exif(orientation))
    yield "heic-icc", heic.encoded(wide, quality=90, icc_profile=PROFILES["sRGB"])
    yield "heic-xmp-orientation", heic.encoded(wide, quality=90, xmp=XMP)
    yield "heic-two", heic.encoded(wide, quality=90, save_all=True, append_images=[ImageOps.invert(wide)])
    yield "heic-second-is-primary", heic.encoded(wide, quality=90, save_all=True, append_images=[ImageOps.invert(wide)], primary_index=1)
    for quarter in range(4):
        yield f"heic-grid-{quarter}", heic.grid(picture(100, 80), 64, quarter, quality=90)
    for mirror in (0, 1):
        yield f"heic-grid-mirror-{mirror}", heic.grid(picture(100, 80), 64, 1, mirror, quality=90)
    yield "heic-grid-exif-6", heic.grid(picture(100, 80), 64, 3, exif=exif(6), quality=90)
    yield "heic-grid-exif-without-rotation", heic.grid(picture(100, 80), 64, exif=exif(6), quality=90)
    yield "heic-grid-10-bit", heic.grid(picture(100, 80), 64, brand=b"heix", encode=heic.deep, quality=90)
    yield "heic-grid-cropped", heic.grid(picture(100, 80), 64, clean=(80, 1, 60, 1, 0, 1, 0, 1), quality=90)
    yield "heic-grid-mif1", heic.grid(picture(100, 80), 64, brand=b"mif1", quality=90)
    whole = heic.encoded(wide, quality=90)
    yield "heic-truncated", whole[:-50]
    yield "heic-headers-alone", whole[:200]
    yield "heic-trailing", whole + b"\0" * 64


def files():
    for make in (png_files, jpeg_files, webp_files, gif_files, bmp_files, tiff_files, modern_files, heic_files):
        yield from make()


def main():
    """Prints one JSON object a line: a file, and what Pillow makes of it, transparent pictures over nothing and over white."""
    for name, file in files():
        plain, white = (reference(file, background) for background in (None, (255, 255, 255)))
        encoded = {key: data and base64.b64encode(data).decode() for key, data in (("file", file), ("plain", plain), ("white", white))}
        print(json.dumps({"name": name, **encoded}))


if __name__ == "__main__":
    main()
