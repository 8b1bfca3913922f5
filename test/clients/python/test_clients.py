"""Clients in Python against a running service: SERVICE_URL, API_KEY and PICTURE say which (scripts/test-clients.sh)."""

import base64
import io
import json
import math
import os
import unittest
import urllib.error
import urllib.request

URL = os.environ["SERVICE_URL"]
KEY = os.environ["API_KEY"]
TEXTS = ["a red bicycle", "a dog", "ein Haus am See"]
with open(os.environ["PICTURE"], "rb") as file:
    PICTURE = file.read()
DATA_URI = "data:image/jpeg;base64," + base64.b64encode(PICTURE).decode()
BAD_DATA_URI = "data:image/jpeg;base64," + base64.b64encode(b"not an image").decode()


def native(path, body):
    """What our own route gives, to compare with."""
    headers = {"content-type": "application/json", "x-api-key": KEY}
    request = urllib.request.Request(URL + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)["embedding"]


def served():
    """The name of the embedded model."""
    with urllib.request.urlopen(urllib.request.Request(URL + "/info", headers={"x-api-key": KEY})) as reply:
        return json.load(reply)["model"]


MODEL = served()
EXPECTED = [native("/encode_text", {"text": text}) for text in TEXTS]
EXPECTED_PICTURE = native("/encode_image", {"image_b64": base64.b64encode(PICTURE).decode()})


LIMITED_URL = os.environ["LIMITED_URL"]


def use_up():
    """Uses up what RATE_LIMIT grants, so that the next request is answered 429."""
    request = urllib.request.Request(LIMITED_URL + "/v1/models", headers={"x-api-key": KEY})
    for _ in range(200):
        try:
            urllib.request.urlopen(request).read()
        except urllib.error.HTTPError as error:
            if error.code == 429:
                return
            raise
    raise AssertionError("the service never answered 429")


class ClientTest(unittest.TestCase):
    def assert_same(self, actual, expected, least=0.99999):
        actual = [float(value) for value in actual]
        dot = sum(a * b for a, b in zip(actual, expected))
        self.assertEqual(len(actual), len(expected))
        self.assertGreater(dot / math.hypot(*actual) / math.hypot(*expected), least)


class OpenAITest(ClientTest):
    def setUp(self):
        import openai

        self.openai = openai
        self.client = openai.OpenAI(base_url=URL + "/v1", api_key=KEY, max_retries=0)

    def test_texts_and_a_picture_in_order(self):
        for more in ({}, {"encoding_format": "float"}):
            data = self.client.embeddings.create(model=MODEL, input=[*TEXTS, DATA_URI], **more).data
            for item, expected in zip(data, [*EXPECTED, EXPECTED_PICTURE]):
                self.assert_same(item.embedding, expected)

    def test_images_by_modality(self):
        data = self.client.embeddings.create(model=MODEL, input=[DATA_URI], extra_body={"modality": "image"}).data
        self.assert_same(data[0].embedding, EXPECTED_PICTURE)

    def test_refusals_are_its_own_errors(self):
        with self.assertRaises(self.openai.BadRequestError):
            self.client.embeddings.create(model=MODEL, input=[BAD_DATA_URI])
        with self.assertRaises(self.openai.NotFoundError):
            self.client.embeddings.create(model="clip-ViT-L-14", input="a")
        with self.assertRaises(self.openai.AuthenticationError):
            self.openai.OpenAI(base_url=URL + "/v1", api_key="wrong").embeddings.create(model=MODEL, input="a")

    def test_it_waits_and_tries_again(self):
        patient = self.openai.OpenAI(base_url=LIMITED_URL + "/v1", api_key=KEY, max_retries=4)
        hasty = patient.with_options(max_retries=0)
        with self.assertRaises(self.openai.RateLimitError):
            for _ in range(200):
                hasty.models.list()
        self.assert_same(patient.embeddings.create(model=MODEL, input="a dog").data[0].embedding, EXPECTED[1])


class DifyTest(ClientTest):
    """What Dify's plug-in OpenAI-API-compatible sends: `requests` for texts, OpenAI's client for what may be images."""

    def chat_embedding(self, content):
        import openai
        from openai.types.create_embedding_response import CreateEmbeddingResponse

        instruction = {"type": "text", "text": "Represent the user's input."}
        body = {
            "messages": [
                {"role": "system", "content": [instruction]},
                {"role": "user", "content": content},
                {"role": "assistant", "content": [{"type": "text", "text": ""}]},
            ],
            "model": MODEL,
            "encoding_format": "float",
            "continue_final_message": True,
            "add_special_tokens": True,
        }
        client = openai.OpenAI(api_key=KEY, base_url=URL + "/v1")
        return client.post("/embeddings", cast_to=CreateEmbeddingResponse, body=body).data[0].embedding

    def test_a_picture_and_a_text_as_conversations(self):
        picture = {"type": "image_url", "image_url": {"url": DATA_URI}}
        self.assert_same(self.chat_embedding([picture, {"type": "text", "text": ""}]), EXPECTED_PICTURE)
        self.assert_same(self.chat_embedding([{"type": "text", "text": TEXTS[1]}]), EXPECTED[1])

    def test_a_picture_with_words_is_refused(self):
        import openai

        picture = {"type": "image_url", "image_url": {"url": DATA_URI}}
        with self.assertRaises(openai.BadRequestError):
            self.chat_embedding([picture, {"type": "text", "text": "dog"}])

    def test_texts_and_its_check_of_the_settings(self):
        import requests

        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
        payload = {"model": MODEL, "input": TEXTS, "encoding_format": "float"}
        reply = requests.post(f"{URL}/v1/embeddings", headers=headers, json=payload, timeout=60)
        for item, expected in zip(reply.json()["data"], EXPECTED):
            self.assert_same(item["embedding"], expected)
        ping = json.dumps({"input": "ping", "model": MODEL})
        reply = requests.post(f"{URL}/v1/embeddings", headers=headers, data=ping, timeout=(10, 300))
        self.assertEqual((reply.status_code, "model" in reply.json()), (200, True))


class LangChainTest(ClientTest):
    def test_query_documents_and_a_picture(self):
        from langchain_openai import OpenAIEmbeddings

        embeddings = OpenAIEmbeddings(
            model=MODEL, base_url=URL + "/v1", api_key=KEY, check_embedding_ctx_length=False, max_retries=0
        )
        self.assert_same(embeddings.embed_query(TEXTS[0]), EXPECTED[0])
        for vector, expected in zip(embeddings.embed_documents([*TEXTS, DATA_URI]), [*EXPECTED, EXPECTED_PICTURE]):
            self.assert_same(vector, expected)

    def test_a_bad_picture_and_a_wrong_key(self):
        import openai
        from langchain_openai import OpenAIEmbeddings

        options = {"model": MODEL, "base_url": URL + "/v1", "check_embedding_ctx_length": False, "max_retries": 0}
        with self.assertRaises(openai.BadRequestError):
            OpenAIEmbeddings(api_key=KEY, **options).embed_query(BAD_DATA_URI)
        with self.assertRaises(openai.AuthenticationError):
            OpenAIEmbeddings(api_key="wrong", **options).embed_query("a")

    def test_it_waits_and_tries_again(self):
        from langchain_openai import OpenAIEmbeddings

        use_up()
        embeddings = OpenAIEmbeddings(
            model=MODEL, base_url=LIMITED_URL + "/v1", api_key=KEY, check_embedding_ctx_length=False, max_retries=4
        )
        self.assert_same(embeddings.embed_query(TEXTS[0]), EXPECTED[0])

    def test_tokens_are_refused_with_the_cure(self):
        request = urllib.request.Request(
            URL + "/v1/embeddings",
            json.dumps({"model": MODEL, "input": [[64, 2579, 36086]]}).encode(),
            {"content-type": "application/json", "authorization": f"Bearer {KEY}"},
        )
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        self.assertIn(b"check_embedding_ctx_length=False", caught.exception.read())


class LlamaIndexTest(ClientTest):
    def test_query_and_documents(self):
        from llama_index.embeddings.openai_like import OpenAILikeEmbedding

        embeddings = OpenAILikeEmbedding(model_name=MODEL, api_base=URL + "/v1", api_key=KEY, embed_batch_size=10)
        self.assert_same(embeddings.get_query_embedding(TEXTS[0]), EXPECTED[0])
        for vector, expected in zip(embeddings.get_text_embedding_batch(TEXTS), EXPECTED):
            self.assert_same(vector, expected)

    def test_a_picture_a_bad_one_and_a_wrong_key(self):
        import openai
        from llama_index.embeddings.openai_like import OpenAILikeEmbedding

        options = {"model_name": MODEL, "api_base": URL + "/v1", "max_retries": 0}
        embeddings = OpenAILikeEmbedding(api_key=KEY, **options)
        self.assert_same(embeddings.get_text_embedding(DATA_URI), EXPECTED_PICTURE)
        with self.assertRaises(openai.BadRequestError):
            embeddings.get_text_embedding(BAD_DATA_URI)
        with self.assertRaises(openai.AuthenticationError):
            OpenAILikeEmbedding(api_key="wrong", **options).get_text_embedding("a")

    def test_it_waits_and_tries_again(self):
        from llama_index.embeddings.openai_like import OpenAILikeEmbedding

        use_up()
        options = {"model_name": MODEL, "api_base": LIMITED_URL + "/v1", "api_key": KEY}
        self.assert_same(OpenAILikeEmbedding(max_retries=4, **options).get_text_embedding(TEXTS[0]), EXPECTED[0])


class ChromaTest(ClientTest):
    def test_the_hugging_face_server_function(self):
        from chromadb.utils.embedding_functions import HuggingFaceEmbeddingServer

        os.environ["HUGGINGFACE_API_KEY"] = KEY
        function = HuggingFaceEmbeddingServer(url=URL + "/embed", api_key_env_var="HUGGINGFACE_API_KEY")
        for vector, expected in zip(function(TEXTS), EXPECTED):
            self.assert_same(vector, expected)

    def test_the_hugging_face_server_function_has_no_retry_and_takes_no_refusal_for_vectors(self):
        from chromadb.utils.embedding_functions import HuggingFaceEmbeddingServer

        os.environ["HUGGINGFACE_API_KEY"] = KEY
        function = HuggingFaceEmbeddingServer(url=LIMITED_URL + "/embed", api_key_env_var="HUGGINGFACE_API_KEY")
        use_up()
        with self.assertRaises(ValueError):  # It looks at no status, and finds no numbers in the reply.
            function(TEXTS)

    def test_the_roboflow_function(self):
        import numpy
        from chromadb.utils.embedding_functions import RoboflowEmbeddingFunction
        from PIL import Image

        function = RoboflowEmbeddingFunction(api_key=KEY, api_url=URL)
        for vector, expected in zip(function(TEXTS), EXPECTED):
            self.assert_same(vector, expected)
        picture = numpy.asarray(Image.open(io.BytesIO(PICTURE)).convert("RGB"))
        self.assert_same(function([picture])[0], EXPECTED_PICTURE, least=0.99)  # It encodes the picture anew.
        with self.assertRaises(Exception):
            RoboflowEmbeddingFunction(api_key="wrong", api_url=URL)(TEXTS)

    def test_the_roboflow_function_has_no_retry_and_takes_no_refusal_for_vectors(self):
        from chromadb.utils.embedding_functions import RoboflowEmbeddingFunction

        function = RoboflowEmbeddingFunction(api_key=KEY, api_url=LIMITED_URL)
        use_up()
        with self.assertRaises(KeyError):  # It looks at no status, and finds no `embeddings` in the reply.
            function(TEXTS)


class RoboflowTest(ClientTest):
    def client(self, key=KEY):
        from inference_sdk import InferenceHTTPClient

        return InferenceHTTPClient(api_url=URL, api_key=key)

    def vector_of(self, client, picture):
        reply = client.get_clip_image_embeddings(picture)
        return (reply[0] if isinstance(reply, list) else reply)["embeddings"][0]

    def test_texts_pictures_and_a_comparison(self):
        from PIL import Image

        client = self.client()
        for vector, expected in zip(client.get_clip_text_embeddings(TEXTS)["embeddings"], EXPECTED):
            self.assert_same(vector, expected)
        picture = Image.open(io.BytesIO(PICTURE))
        picture.thumbnail((128, 128))  # Its key stands in the body, which may then have 64 KiB.
        self.assertEqual(len(self.vector_of(client, picture)), len(EXPECTED_PICTURE))
        self.assertEqual(len(client.clip_compare(picture, TEXTS)["similarity"]), 3)

    def test_a_large_picture_with_the_key_in_the_url(self):
        from PIL import Image

        with self.client().use_api_v0() as client:
            vector = self.vector_of(client, Image.open(io.BytesIO(PICTURE)))
        self.assert_same(vector, EXPECTED_PICTURE, least=0.99)  # It encodes the picture anew.

    def test_it_waits_and_tries_again(self):
        from inference_sdk import InferenceHTTPClient

        use_up()
        client = InferenceHTTPClient(api_url=LIMITED_URL, api_key=KEY)
        self.assert_same(client.get_clip_text_embeddings(TEXTS[0])["embeddings"][0], EXPECTED[0])

    def test_a_wrong_key(self):
        from inference_sdk.http.errors import HTTPCallErrorError

        with self.assertRaises(HTTPCallErrorError) as caught:
            self.client("wrong").get_clip_text_embeddings("a")
        self.assertEqual(caught.exception.status_code, 401)


class CohereTest(ClientTest):
    def client(self, url=URL, key=KEY):
        import cohere

        return cohere.ClientV2(api_key=key, base_url=url)

    def embed(self, client, **inputs):
        return client.embed(model=MODEL, input_type="search_document", embedding_types=["float"], **inputs)

    def test_texts_and_a_picture(self):
        for vector, expected in zip(self.embed(self.client(), texts=TEXTS).embeddings.float_, EXPECTED):
            self.assert_same(vector, expected)
        self.assert_same(self.embed(self.client(), images=[DATA_URI]).embeddings.float_[0], EXPECTED_PICTURE)

    def test_a_bad_picture_and_a_wrong_key(self):
        from cohere.core.api_error import ApiError

        for client, status in ((self.client(), 415), (self.client(key="wrong"), 401)):
            with self.assertRaises(ApiError) as caught:
                self.embed(client, images=[BAD_DATA_URI])
            self.assertEqual(caught.exception.status_code, status)

    def test_it_waits_and_tries_again(self):
        use_up()
        client = self.client(LIMITED_URL)
        reply = client.embed(
            model=MODEL,
            input_type="search_query",
            embedding_types=["float"],
            texts=TEXTS[:1],
            request_options={"max_retries": 4},
        )
        self.assert_same(reply.embeddings.float_[0], EXPECTED[0])


class VoyageTest(ClientTest):
    def client(self, url=URL, key=KEY, retries=0):
        import voyageai

        return voyageai.Client(api_key=key, base_url=url + "/v1", max_retries=retries)

    def test_texts_and_a_picture(self):
        from PIL import Image

        picture = Image.open(io.BytesIO(PICTURE))
        result = self.client().multimodal_embed([[text] for text in TEXTS] + [[picture]], model=MODEL)
        for vector, expected in zip(result.embeddings, EXPECTED):
            self.assert_same(vector, expected)
        self.assert_same(result.embeddings[3], EXPECTED_PICTURE, least=0.99)  # It encodes the picture anew.

    def test_a_wrong_key_and_a_picture_with_words(self):
        import voyageai
        from PIL import Image

        with self.assertRaises(voyageai.error.AuthenticationError):
            self.client(key="wrong").multimodal_embed([["a"]], model=MODEL)
        with self.assertRaises(voyageai.error.InvalidRequestError):
            self.client().multimodal_embed([["a", Image.open(io.BytesIO(PICTURE))]], model=MODEL)

    def test_it_waits_and_tries_again(self):
        use_up()
        result = self.client(LIMITED_URL, retries=6).multimodal_embed([[TEXTS[0]]], model=MODEL)
        self.assert_same(result.embeddings[0], EXPECTED[0])


class HuggingFaceTest(ClientTest):
    """Hugging Face's own client asks a Text Embeddings Inference server so."""

    def test_a_text_and_a_wrong_key(self):
        from huggingface_hub import InferenceClient
        from huggingface_hub.errors import HfHubHTTPError

        self.assert_same(InferenceClient(URL, token=KEY).feature_extraction(TEXTS[0])[0], EXPECTED[0])
        with self.assertRaises(HfHubHTTPError):
            InferenceClient(URL, token="wrong").feature_extraction("a")

    def test_it_has_no_retry_and_is_told_when_to_come_back(self):
        from huggingface_hub import InferenceClient
        from huggingface_hub.errors import HfHubHTTPError

        use_up()
        with self.assertRaises(HfHubHTTPError) as caught:
            InferenceClient(LIMITED_URL, token=KEY).feature_extraction("a")
        self.assertEqual(caught.exception.response.status_code, 429)
        self.assertGreaterEqual(int(caught.exception.response.headers["retry-after"]), 1)


class InfinityTest(ClientTest):
    def test_the_generated_client(self):
        from infinity_client import AuthenticatedClient
        from infinity_client.api.default import embeddings, models
        from infinity_client.models import OpenAIEmbeddingInputText

        client = AuthenticatedClient(base_url=URL, token=KEY)
        with client:
            listed = models.sync(client=client)
            self.assertEqual(listed.data[0].id, MODEL)
            body = OpenAIEmbeddingInputText.from_dict({"model": MODEL, "input": TEXTS})
            result = embeddings.sync(client=client, body=body)
        for item, expected in zip(result.data, EXPECTED):
            self.assert_same(item.embedding, expected)

    def test_the_generated_client_has_no_retry_and_is_told_when_to_come_back(self):
        from infinity_client import AuthenticatedClient
        from infinity_client.api.default import embeddings
        from infinity_client.models import OpenAIEmbeddingInputText

        use_up()
        body = OpenAIEmbeddingInputText.from_dict({"model": MODEL, "input": TEXTS})
        with AuthenticatedClient(base_url=LIMITED_URL, token=KEY) as client:
            reply = embeddings.sync_detailed(client=client, body=body)
        self.assertEqual(reply.status_code, 429)
        self.assertGreaterEqual(int(reply.headers["retry-after"]), 1)
        self.assertIn("error", json.loads(reply.content))

    def test_the_vision_client_decodes_base64(self):
        from infinity_client.vision_client import InfinityVisionAPI
        from PIL import Image

        open_url = os.environ["OPEN_URL"]  # This client sends no key.
        api = InfinityVisionAPI(url=open_url, model=MODEL, format="base64")
        vectors, _tokens = api.image_embed(MODEL, [Image.open(io.BytesIO(PICTURE))]).result()
        self.assert_same(vectors[0][0], EXPECTED_PICTURE, least=0.99)  # It encodes the picture anew.


class MilvusTest(ClientTest):
    """Milvus calls TEI from its server, which is written in Go: this is what it sends, in its batches of 32."""

    def test_the_shape_of_its_tei_function(self):
        body = {"inputs": (TEXTS * 11)[:32], "truncate": True, "truncation_direction": "Right"}
        headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
        request = urllib.request.Request(URL + "/embed", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as reply:
            vectors = json.load(reply)
        self.assertEqual(len(vectors), 32)
        self.assert_same(vectors[31], EXPECTED[31 % 3])


if __name__ == "__main__":
    unittest.main()
