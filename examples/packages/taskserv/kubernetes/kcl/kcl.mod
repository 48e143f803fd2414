[package]
name = "kubernetes"
edition = "v0.11.2"
version = "0.0.1"
