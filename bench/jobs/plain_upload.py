"""``plain_upload.py FILE ENDPOINT BUCKET KEY``: uploads a file in parts, with the SDK's defaults; prints the seconds."""

import sys
import time

import boto3
from botocore.config import Config

file, endpoint, bucket, key = sys.argv[1:]
client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))
start = time.monotonic()
client.upload_file(file, bucket, key)
print(time.monotonic() - start)
