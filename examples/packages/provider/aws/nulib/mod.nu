export use servers.nu *
export use env.nu *
