"""A GitHub for the repositories of this cloud: REST API, webhooks, and git over HTTPS."""
