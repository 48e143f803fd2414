export def "aws list-servers" [--region: string] {
    aws ec2 describe-instances --region $region | from json | get Reservations.Instances | flatten
}

export def "aws create-server" [server: record] {
    (aws ec2 run-instances
        --region $server.region
        --instance-type $server.instance_type
        --image-id $server.ami
        --tag-specifications $"ResourceType=instance,Tags=[{Key=Name,Value=($server.name)}]")
}

export def "aws delete-server" [id: string, --region: string] {
    aws ec2 terminate-instances --region $region --instance-ids $id
}
