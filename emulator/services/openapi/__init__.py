"""WeChat's open APIs, answered without WeChat: messages, codes, checks, payment."""
