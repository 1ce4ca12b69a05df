"""The doors to AWS: one controller a service, each meeting a protocol of `snapshot_tool.ports`.

Nothing else of this project imports boto3 or botocore, and nothing of botocore leaves this package:
clients and answers stay inside, errors come out as those of `snapshot_tool.errors`.
"""
