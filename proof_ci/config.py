"""The environment of every Lambda function: the one place that names its variables.

| variable                 | read by                                  | holds |
|--------------------------|------------------------------------------|-------|
| RUNS_TABLE               | dispatch, verdict                        | DynamoDB table; HASH `run_id` (S), RANGE `record` (S), TTL `expires_at` |
| EVENTS_QUEUE_URL         | webhook                                  | SQS queue, standard or FIFO, whose consumer is dispatch |
| STATUS_QUEUE_URL         | verdict (sends), status (delays)         | SQS queue, standard or FIFO, whose consumer is status |
| PREPARE_PROJECT          | dispatch                                 | name of the CodeBuild project that prepares a commit's source |
| RESULTS_BUCKET           | verdict                                  | bucket of proof results |
| WEBHOOK_SECRET_ARN       | webhook, canary                          | secret: one string, or a JSON list of one or two while it is rotated |
| GITHUB_TOKEN_SECRET_ARN  | status, canary                           | secret: a GitHub token, a plain string |
| CI_OPERATIONAL_PARAMETER | webhook                                  | name of the SSM parameter `true` or `false` |
| GITHUB_UPDATING_PARAMETER| status                                   | name of the SSM parameter `true` or `false` |
| WEBHOOK_URL              | canary                                   | where GitHub posts; https |
| GITHUB_REPOSITORY        | dispatch, verdict, status, canary        | `owner/name`, the only repository served |
| GITHUB_BRANCH            | dispatch, canary                         | the branch whose pushes are proved |
| SNAPSHOT_ID              | all                                      | the snapshot that this function belongs to; part of every log line |
| JOB_QUEUE, JOB_DEFINITION| dispatch (hands them to the preparation) | Batch queue and job definition |
| SHARED_BUCKET            | dispatch (hands it to the preparation)   | bucket of the tools account that holds the packages |
| PACKAGE_PINS             | dispatch (hands it to the preparation)   | JSON: tool -> {"key", "version_id", "sha256"} |
| GITHUB_API_URL           | status, canary; optional                 | another GitHub than the public one; https, or http on loopback |

The source preparation gets as CodeBuild variables: RUN_ID, REPOSITORY, SHA, REF, and what dispatch
hands on (RESULTS_BUCKET, JOB_QUEUE, JOB_DEFINITION, SHARED_BUCKET, PACKAGE_PINS, SNAPSHOT_ID).
A Batch job of a proof carries the environment variables RUN_ID, REPOSITORY, SHA and PROOF, by which
its verdict finds its commit.
"""
