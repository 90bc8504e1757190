"""What the REST answers look like, for the OpenAPI document and for tests."""
