[package]
name = "web-platform"
edition = "v0.11.2"
version = "0.2.0"
description = "The servers and the network of a web application"
include = ["*.k", "README.md"]

[dependencies]
provisioning-core = "1.0.0"
