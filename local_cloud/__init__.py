"""An embedded AWS for development, demonstrations and tests.

It is MiniStack in a process of its own, bound to loopback, with what that lacks: builds, pipelines
and batch jobs that really run, reads across accounts, and refusals where AWS refuses.

    with LocalCloud.start(directory) as cloud:
        cloud.add_account("beta")
        subprocess.run(["aws", "s3", "ls"], env={**scrubbed, **cloud.environment("beta")})
"""

from local_cloud.cloud import Call, Faults, LocalCloud, LocalCloudError

__all__ = ["Call", "Faults", "LocalCloud", "LocalCloudError"]
