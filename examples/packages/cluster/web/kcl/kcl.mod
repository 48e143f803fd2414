[package]
name = "web"
edition = "v0.11.2"
version = "1.0.0"
