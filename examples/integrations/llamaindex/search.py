"""Finds a title with LlamaIndex: search.py "WORDS"."""

import os
import sys

from llama_index.core import VectorStoreIndex
from llama_index.core.schema import TextNode
from llama_index.embeddings.openai_like import OpenAILikeEmbedding

service = os.environ.get("SERVICE_URL", "http://localhost:5555")
embedding = OpenAILikeEmbedding(
    model_name="default",
    api_base=service + "/v1",
    api_key=os.environ.get("API_KEY", "-"),
    embed_batch_size=256,
)
nodes = [TextNode(text=title) for title in ["guitar", "bicycle", "umbrella", "teapot"]]
index = VectorStoreIndex(nodes, embed_model=embedding)
for found in index.as_retriever(similarity_top_k=2).retrieve(sys.argv[1]):
    print(f"{found.score:.3f}", found.text)
