#!/bin/sh
# Compares what ONNX Runtime's CUDA provider links with the libraries of the image that it is to run in, and fails with a
# sentence where one is missing: the provider of a version is published for one CUDA only, and its package does not say
# which. The Dockerfile's target `gpu` calls it.
#
#   check-cuda-provider.sh FOLDER LIBRARIES
#
# FOLDER holds libonnxruntime_providers_cuda.so; LIBRARIES is a file with the output of `ldconfig -p` in that image.
set -eu
folder=$1
libraries=$2
provider=$folder/libonnxruntime_providers_cuda.so
[ -f "$provider" ] || { echo "There is no CUDA provider in $folder: its download failed." >&2; exit 1; }

# The driver brings libcuda.so.1, and the runtime lies beside the provider. cuDNN is not linked but opened by name.
linked=$(readelf -d "$provider" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' | grep -v -e '^libcuda\.so' -e '^libonnxruntime')
[ -n "$linked" ] || { echo "$provider links nothing: it is no shared library." >&2; exit 1; }
cuda=$(echo "$linked" | sed -n 's/^libcudart\.so\.//p')
if grep -q 'libcudnn\.so' "$provider"; then linked="$linked libcudnn.so.9"; fi

missing=
for library in $linked; do
  grep -q "^[[:space:]]*$library " "$libraries" || missing="$missing $library"
done
if [ -n "$missing" ]; then
  echo "The CUDA provider of this onnxruntime-node was built for CUDA ${cuda:-of an unknown version}, and the base image lacks$missing:" \
    "build with --build-arg CUDA_IMAGE= and an image of that CUDA with cuDNN." >&2
  exit 1
fi
echo "The CUDA provider was built for CUDA ${cuda:-of an unknown version}; the base image has all that it links."
