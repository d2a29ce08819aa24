"""The statements of WeChat's server HTTP API: JavaScript text, read as data and never run."""
