"""Tells which sentence fits a picture best, with OpenAI's SDK: with_openai.py PICTURE "SENTENCE" "SENTENCE" …"""

import base64
import os
import pathlib
import sys

import numpy
from openai import OpenAI

service = os.environ.get("SERVICE_URL", "http://localhost:5555")
client = OpenAI(base_url=service + "/v1", api_key=os.environ.get("API_KEY", "-"))  # The SDK insists on a key.

picture, *sentences = sys.argv[1:]
# A data URI stands for a picture. Its type does not matter: the bytes tell what it is.
uri = "data:image/jpeg;base64," + base64.b64encode(pathlib.Path(picture).read_bytes()).decode()
reply = client.embeddings.create(model="default", input=[uri, *sentences])
image, *texts = (numpy.array(item.embedding) for item in reply.data)

for cosine, sentence in sorted(((image @ text, sentence) for text, sentence in zip(texts, sentences)), reverse=True):
    print(f"{cosine:.3f}", sentence)
