"""Collections of Chroma that ask the service for vectors, one with pictures and one with titles."""

import os
import pathlib

import chromadb
import numpy
from chromadb.utils.embedding_functions import HuggingFaceEmbeddingServer, RoboflowEmbeddingFunction
from PIL import Image

service = os.environ.get("SERVICE_URL", "http://localhost:5555")
os.environ.setdefault("CHROMA_ROBOFLOW_API_KEY", "-")  # The function insists on a key.
client = chromadb.EphemeralClient()

# Roboflow's function takes pictures as arrays, and texts.
clip = RoboflowEmbeddingFunction(api_url=service)
pictures = client.create_collection("pictures", embedding_function=clip, configuration={"hnsw": {"space": "cosine"}})
paths = sorted(pathlib.Path("../../../web/public/gallery").glob("[e-g]*.webp"))
arrays = [numpy.array(Image.open(path).convert("RGB")) for path in paths]
pictures.add(ids=[path.name for path in paths], images=arrays)
print(pictures.query(query_texts=["an elephant"], n_results=1)["ids"][0][0])

# The function for Text Embeddings Inference takes texts alone.
words = HuggingFaceEmbeddingServer(url=service + "/embed")
titles = client.create_collection("titles", embedding_function=words, configuration={"hnsw": {"space": "cosine"}})
titles.add(ids=["1", "2", "3"], documents=["guitar", "bicycle", "umbrella"])
print(titles.query(query_texts=["Fahrrad"], n_results=1)["documents"][0][0])
