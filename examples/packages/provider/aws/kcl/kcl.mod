[package]
name = "aws"
edition = "v0.11.2"
version = "2.0.0"
