"""Finds a title with LangChain: search.py "WORDS"."""

import os
import sys

from langchain_core.vectorstores import InMemoryVectorStore
from langchain_openai import OpenAIEmbeddings

service = os.environ.get("SERVICE_URL", "http://localhost:5555")
embeddings = OpenAIEmbeddings(
    model="default",
    base_url=service + "/v1",
    api_key=os.environ.get("API_KEY", "-"),
    check_embedding_ctx_length=False,  # Otherwise LangChain sends token ids of a model of OpenAI's.
)
store = InMemoryVectorStore(embeddings)
store.add_texts(["guitar", "bicycle", "umbrella", "teapot"])
for document, cosine in store.similarity_search_with_score(sys.argv[1], k=2):
    print(f"{cosine:.3f}", document.page_content)
