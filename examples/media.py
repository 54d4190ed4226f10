"""Images in a bucket: an upload gets a thumbnail, and is found by the words of its name.

upload -> EventBridge -> thumbnail and metadata -> table stream -> search entries. No function knows of the next.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from constructs_lib import DynamoTable, SecureFunction, StreamWorker, UploadBucket

UPLOADS = "uploads/"
THUMBNAILS = "thumbnails/"


class Media(cdk.Stack):
    """Make thumbnails of what is uploaded, and an index of it."""

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id, description="Media: thumbnails and a search index of uploaded images")
        media = UploadBucket(self, "Media")
        images = DynamoTable(self, "Images", partition_key="key", stream=dynamodb.StreamViewType.NEW_IMAGE)
        search = DynamoTable(self, "Search", partition_key="word", sort_key="key")

        thumbnail = SecureFunction(
            self,
            "Thumbnail",
            entry="lambda_src/media/make_thumbnail.ts",
            memory_mib=1536,  # decoding an image takes memory, and Lambda gives CPU with it
            timeout=cdk.Duration.seconds(30),
            environment={"THUMBNAILS_PREFIX": THUMBNAILS},
        )
        media.on_upload(thumbnail, prefix=UPLOADS)
        media.grant_read(thumbnail, prefix=UPLOADS)
        media.grant_write(thumbnail, prefix=THUMBNAILS, env="THUMBNAILS_BUCKET")
        images.grant(thumbnail, "PutItem", env="IMAGES_TABLE")

        index = StreamWorker(self, "Index", table=images, entry="lambda_src/media/index_image.py")
        search.grant(index, "DeleteItem", "PutItem", env="SEARCH_TABLE")

        cdk.CfnOutput(self, "Bucket", value=media.bucket_name, description=f"upload below {UPLOADS}")
