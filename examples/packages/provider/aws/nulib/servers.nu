export def "aws list-servers" [--region: string] {
    aws ec2 describe-instances --region $region | from json
}
