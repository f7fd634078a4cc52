/**
 * Steps that run one after another, each adding what it returns to what the ones after it get. It does not compile when
 * a step asks for something that neither the start nor a step before it gives.
 */
export function pipeline<Start extends object>() {
  return <const Steps extends readonly Step[]>(steps: Steps & Checked<Start, Steps>) =>
    async (start: Start): Promise<Gathered<Start, Steps>> => {
      let gathered: object = start
      for (const step of steps) gathered = { ...gathered, ...(await step(gathered as never)) }
      return gathered as Gathered<Start, Steps>
    }
}

type Step = (gathered: never) => object | undefined | void | Promise<object | undefined | void>

type Adds<Out> = Awaited<Out> extends object ? Awaited<Out> : unknown

type Gathered<Have, Steps> = Steps extends readonly [(input: never) => infer Out, ...infer Rest]
  ? Gathered<Have & Adds<Out>, Rest>
  : Have

type Checked<Have, Steps> = Steps extends readonly [(input: infer In) => infer Out, ...infer Rest]
  ? readonly [Have extends In ? (input: In) => Out : never, ...Checked<Have & Adds<Out>, Rest>]
  : readonly []
