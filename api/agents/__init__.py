"""The service for agents: an MCP server over the same answers as every other interface.

https://modelcontextprotocol.io. Nothing of the SDK is imported before an agent calls.
"""
