export def "web create" [web: record] {
    open ($env.FILE_PWD | path join ".." "templates" "deployment.yaml.j2")
    | str replace --all "{{ servers }}" ($web.servers | into string)
    | kubectl apply --filename -
}
