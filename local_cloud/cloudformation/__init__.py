"""CloudFormation: missing resource types, and refusals where AWS refuses."""
