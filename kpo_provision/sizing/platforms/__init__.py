"""What each platform's kubelet holds back: one file a platform, its formulas as its own code has them."""
