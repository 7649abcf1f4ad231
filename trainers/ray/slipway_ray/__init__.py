"""What runs on a node of a Ray cluster: one job of Slipway, under the launcher."""
