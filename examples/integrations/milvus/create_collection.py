"""Creates a collection of Milvus 2.6 that asks the service for the vector of each title."""

import json
import os
import urllib.request

from pymilvus import DataType, Function, FunctionType, MilvusClient

service = os.environ.get("SERVICE_URL", "http://localhost:5555")
with urllib.request.urlopen(service + "/info") as reply:
    dimensions = json.load(reply)["dimensions"]

schema = MilvusClient.create_schema()
schema.add_field("id", DataType.INT64, is_primary=True, auto_id=True)
schema.add_field("title", DataType.VARCHAR, max_length=1000)
schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimensions)
# Milvus itself asks, so the endpoint is the service as Milvus sees it. It adds /embed.
endpoint = os.environ.get("SERVICE_URL_FOR_MILVUS", "http://encoder:5555")
schema.add_function(
    Function(
        name="encode_title",
        function_type=FunctionType.TEXTEMBEDDING,
        input_field_names=["title"],
        output_field_names=["vector"],
        params={"provider": "TEI", "endpoint": endpoint},
    )
)
indexes = MilvusClient.prepare_index_params()
indexes.add_index("vector", index_type="AUTOINDEX", metric_type="COSINE")

if uri := os.environ.get("MILVUS_URI"):
    MilvusClient(uri).create_collection("products", schema=schema, index_params=indexes)
else:
    schema.verify()
    print(schema)
