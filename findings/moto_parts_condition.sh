#!/usr/bin/env bash
# moto 5.2.5, a local server that speaks S3: it keeps the condition of a write sent in one piece, and
# not that of one sent in parts.
#
# Amazon S3 takes If-Match and If-None-Match for both: PutObject and CompleteMultipartUpload answer 412
# where the stored object is another. moto refuses PutObject with `PreconditionFailed`, and completes
# the parts without a word, so that the object of another writer is replaced. One would have guessed
# that what holds for one holds for the other. A test of two writers of a large file, run against moto
# alone, passes by luck or fails for no fault of the program: this project compares the object once
# more before it completes the parts, and says which condition it could not test.
#
# It prints {'in_one_piece': 'PreconditionFailed', 'in_parts': 'stored'} b'mine', and exits 0 while it is
# so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "moto[s3]==5.2.5" "botocore==1.44.8" flask flask-cors
cat > "$folder/program.py" <<'PYTHON'
import sys

import botocore.session
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
client = botocore.session.get_session().create_client(
    "s3",
    endpoint_url=f"http://{host}:{port}",
    region_name="us-east-1",
    aws_access_key_id="any",
    aws_secret_access_key="any",
)
client.create_bucket(Bucket="tables")
client.put_object(Bucket="tables", Key="year", Body=b"of another writer")


def in_one_piece():
    client.put_object(Bucket="tables", Key="year", Body=b"mine", IfMatch='"of-before"')


def in_parts():
    upload = client.create_multipart_upload(Bucket="tables", Key="year")["UploadId"]
    named = {"Bucket": "tables", "Key": "year", "UploadId": upload}
    part = client.upload_part(**named, PartNumber=1, Body=b"mine")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    client.complete_multipart_upload(**named, MultipartUpload=parts, IfMatch='"of-before"')


answers = {}
for write in (in_one_piece, in_parts):
    try:
        write()
        answers[write.__name__] = "stored"
    except ClientError as error:
        answers[write.__name__] = error.response["Error"]["Code"]
stored = client.get_object(Bucket="tables", Key="year")["Body"].read()
print(answers, stored)
server.stop()
expected = {"in_one_piece": "PreconditionFailed", "in_parts": "stored"}
sys.exit(answers != expected or stored != b"mine")
PYTHON
"$folder/venv/bin/python" "$folder/program.py"
