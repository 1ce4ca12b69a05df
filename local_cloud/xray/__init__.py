"""X-Ray: segments by UDP and by call, traces and their summaries."""
