"""CodePipeline V2: sources from git, builds by CodeBuild. MiniStack has no such service."""
