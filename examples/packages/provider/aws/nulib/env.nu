# What the provider needs from its surroundings, checked before anything is created.
export def "aws check-env" [] {
    if ($env.AWS_REGION? | is-empty) {
        error make { msg: "AWS_REGION is not set" }
    }
}
