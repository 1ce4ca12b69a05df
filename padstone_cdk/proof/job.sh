# The start of every job, inside its container: fetches the batch package that is pinned and hands over
# to it (proof_ci.job). Environment: SHARED_BUCKET, RESULTS_BUCKET, PACKAGE_PINS, IMAGE, JOB_SECONDS (of
# the job definition), RUN_ID, TASK and more (of the submitted job), AWS_BATCH_JOB_ID and
# AWS_BATCH_JOB_ATTEMPT (of Batch). Needed in the image: bash, python3 with botocore, tar, setpriv, and what
# the proofs are built with. The exit code is the verdict's, or 75 for a job that is lost.
umask 022
exec python3 -I -c '
import gc, hashlib, io, json, os, shutil, signal, sys, tarfile, tempfile

gc.disable()  # for the start: what it makes is no garbage, and is much
signal.signal(signal.SIGTERM, lambda *_: os._exit(75))
try:
    from botocore.config import Config
    from botocore.session import get_session  # what boto3 adds to it is time at each start

    retries = Config(retries={"mode": "standard", "total_max_attempts": 6})
    client = get_session().create_client("s3", config=retries)
    pin = json.loads(os.environ["PACKAGE_PINS"])["batch"]
    place = {"Key": pin["key"], "VersionId": pin["version_id"]}
    package = client.get_object(Bucket=os.environ["SHARED_BUCKET"], **place)["Body"].read()
    if hashlib.sha256(package).hexdigest() != pin["sha256"]:
        raise ValueError(pin["key"] + " is not what was pinned")
    top = tempfile.mkdtemp(dir="/tmp")  # where everybody may pass, so that nobody can
    os.chmod(top, 0o755)
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        archive.extractall(top, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    sys.path.insert(0, top)
    from proof_ci.job.__main__ import main
    from proof_ci.job.objects import S3
except Exception as error:
    print(f"job: lost: {error}", flush=True)
    sys.exit(75)
gc.freeze()
gc.enable()
code = main(os.environ, S3(client))
shutil.rmtree(top, ignore_errors=True)
sys.stdout.flush()
os._exit(code)
'
