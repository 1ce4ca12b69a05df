"""CodeBuild: builds that really run, as subprocesses."""
